// ./learn: courses, skeletons, marks, copies to hand out, and the limits that a student's program runs under.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/io/file.h>
#include <glocal/core/io/process.h>
#include <glocal/course/teacher/export.h>
#include <glocal/course/teacher/grade.h>
#include <glocal/course/tutor/course.h>
#include <glocal/course/tutor/lesson.h>
#include <glocal/course/tutor/progress.h>
#include <glocal/course/tutor/screen.h>
#include <glocal/course/tutor/skeleton.h>
#include <glocal/course/tutor/workshop.h>

#include "data_files.h"
#include "scratch.h"

namespace fs = std::filesystem;
using namespace glocal;
using namespace glocal::tutor;

namespace {

const char* solution_text =
    "#include \"exercise.h\"\n"
    "inline int twice(int x) {\n"
    "  // BEGIN SOLUTION\n"
    "  return 2 * x;\n"
    "  // END SOLUTION\n"
    "}\n";

void write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

// A course of one exercise in a folder of its own.
struct SmallCourse {
  Scratch folder;
  fs::path path = folder.path;
  SmallCourse() {
    write(path / "course.json",
          R"({"title": "Small", "exercises": [{"name": "01-twice", "title": "Twice", "track": "One",
      "points": 3, "minutes": 1, "requires": [], "hints": ["a", "b", "c"]}]})");
    write(path / "01-twice/README.md", "Twice.\n");
    write(path / "01-twice/solution.cpp", solution_text);
    write(path / "01-twice/public_test.cpp",
          "#include EXERCISE\n#include \"check.h\"\n"
          "TEST_CASE(\"two [1 points]\") { course::close(\"twice(1)\", twice(1), 2); }\n"
          "TEST_CASE(\"four [1 points]\") { course::close(\"twice(2)\", twice(2), 4); }\n");
    write(path / "01-twice/hidden_test.cpp",
          "#include EXERCISE\n#include \"check.h\"\n"
          "TEST_CASE(\"six [1 points]\") { course::close(\"twice(3)\", twice(3), 6); }\n");
  }
  /// The same exercise once more, under another name.
  void add_copy(const std::string& name) const {
    fs::copy(path / "01-twice", path / name, fs::copy_options::recursive);
    nlohmann::json course = nlohmann::json::parse(read_file((path / "course.json").string(), 1 << 20));
    course["exercises"].push_back(course["exercises"][0]);
    course["exercises"].back()["name"] = name;
    write(path / "course.json", course.dump());
  }
  TestRun run(const std::string& source, double seconds = 20) const {
    const Course course = read_course(path);
    write(path / "work.cpp", source);
    const Exercise& exercise = course.exercises[0];
    return run_tests(exercise, path / "work.cpp", exercise.public_test(), path / "builds",
                     {seconds, std::int64_t{1} << 30});
  }
};

// What `learn` prints about this course.
std::string said_by(const std::string& arguments, const fs::path& course) {
  const std::string out = (course / "said").string();
  const std::string line = "GLOCAL_LEARN_BUILDS='" + (course / "builds").string() + "' '" GLOCAL_LEARN_PATH "' " +
                           arguments + " --set '" + course.string() + "' >'" + out + "' 2>&1 </dev/null";
  CHECK(std::system(line.c_str()) != -1);
  return read_file(out);
}

std::string body(const std::string& code) {
  return "#include <vector>\n#include \"exercise.h\"\ninline int twice(int x) {\n" + code + "\n}\n";
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE("a skeleton throws where the solution stood") {
    const std::string start = skeleton(solution_text, "solution.cpp");
    CHECK(start.find("return 2 * x") == std::string::npos);
    CHECK(start.find("  throw NotImplemented(__func__);  // your code\n") != std::string::npos);
    CHECK(solution_lines(solution_text) == std::vector<std::string>{"return 2 * x;"});
  }

  TEST_CASE("a fault to find is given instead of the solution") {
    const std::string start =
        skeleton("// BEGIN SOLUTION\nright();\n// BEGIN GIVEN\n//| wrong();\n//|\n// END SOLUTION\n", "s");
    CHECK(start == "wrong();\n\n");
  }

  TEST_CASE("markers that do not pair are refused with their line") {
    for (const char* text :
         {"// END SOLUTION\n", "// BEGIN SOLUTION\n// BEGIN SOLUTION\n// END SOLUTION\n", "// BEGIN SOLUTION\nx\n",
          "// BEGIN GIVEN\n", "// BEGIN SOLUTION\n// BEGIN GIVEN\nx\n// END SOLUTION\n"})
      CHECK_THROWS_AS(skeleton(text, "s"), DataError);
    CHECK_THROWS_WITH_AS(skeleton("a\n// END SOLUTION\n", "s"), doctest::Contains("s:2"), DataError);
  }

  TEST_CASE("a course that is not whole is refused, naming the field") {
    const SmallCourse small;
    CHECK(read_course(small.path).exercises.size() == 1);
    const auto refused = [&](const std::string& json, const char* says) {
      write(small.path / "course.json", json);
      CHECK_THROWS_WITH_AS(read_course(small.path), doctest::Contains(says), DataError);
    };
    refused("{", "is not JSON");
    refused(R"({"title": "x"})", "exercises");
    refused(R"({"title": "x", "exercises": []})", "no exercises");
    refused(R"({"title": "x", "exercises": [{"name": "../up"}]})", "a-z");
    refused(R"({"title": "x", "exercises": [{"name": "01-twice", "title": 7}]})", "title");
    refused(R"({"title": "x", "exercises": [{"name": "02-none", "title": "t", "track": "t", "points": 1, "minutes": 1,
             "hints": [], "requires": []}]})",
            "is missing");
  }

  TEST_CASE("help needs no build: an unbuilt checkout prints the text that the built command prints") {
    const Scratch folder;
    const fs::path checkout = folder.path, source = GLOCAL_SOURCE_DIR;
    fs::create_directories(checkout / "course");
    for (const char* file : {"learn", "course/help.txt"}) fs::copy_file(source / file, checkout / file);
    const std::string out = (checkout / "out").string(), help = read_file((source / "course/help.txt").string());
    for (const char* arguments : {"--help", "-h", "run --help"}) {
      CAPTURE(arguments);
      const std::string line = "'" + (checkout / "learn").string() + "' " + arguments + " >'" + out + "' 2>&1";
      CHECK(std::system(line.c_str()) == 0);
      CHECK(read_file(out) == help);
    }
    CHECK(!fs::exists(checkout / "build"));
  }

  TEST_CASE("progress survives in one plain file") {
    const SmallCourse small;
    const Course course = read_course(small.path);
    Progress first(course);
    CHECK_FALSE(first.done(course.exercises[0]));
    first.set_done(course.exercises[0], true);
    first.set_hints(course.exercises[0], 2);
    const Progress again(course);
    CHECK(again.done(course.exercises[0]));
    CHECK(again.hints(course.exercises[0]) == 2);
    write(small.path / "progress.txt", "done 01-twice\nnonsense\n");
    CHECK_THROWS_WITH_AS(Progress{course}, doctest::Contains(":2"), DataError);
  }

  TEST_CASE("who read a solution, and where the student is, survives too") {
    const SmallCourse small;
    const Course course = read_course(small.path);
    Progress first(course);
    first.set_seen(course.exercises[0]);
    first.go_to(course.exercises[0]);
    CHECK(Progress(course).seen(course.exercises[0]));
    CHECK_FALSE(Progress(course).done(course.exercises[0]));
    CHECK(read_file((small.path / "progress.txt").string()) == "seen 01-twice\nat 01-twice\n");
  }

  TEST_CASE("exercises are found by the numbers that the list shows, and the bar has a mark for each that is done") {
    const SmallCourse small;
    small.add_copy("02-again");
    const Course course = read_course(small.path);
    CHECK(course.find("1").name == "01-twice");
    CHECK(course.find("2").name == "02-again");
    CHECK_THROWS_AS(course.find("0"), ValueError);
    CHECK_THROWS_AS(course.find("3"), ValueError);
    Progress progress(course);
    const std::string before = list(course, progress, Paint{false});
    CHECK(before.find("> .  1  01-twice") != std::string::npos);
    CHECK(before.find("  .  2  02-again") != std::string::npos);
    CHECK(before.find("\n0 of 2 done\n") != std::string::npos);
    CHECK(where(course, progress, Paint{false}) == "1 Twice [--] 0 of 2 done\n");
    progress.set_done(course.exercises[0], true);
    CHECK(where(course, progress, Paint{false}) == "2 Twice [#-] 1 of 2 done\n");
    CHECK(list(course, progress, Paint{false}).find("  x  1  01-twice") != std::string::npos);
  }

  TEST_CASE("an exercise that starts again is not done") {
    const SmallCourse small;
    Lesson lesson(small.path);
    lesson.progress.set_done(lesson.course.exercises[0], true);
    CHECK(lesson.reset() == passed);
    CHECK_FALSE(Progress(lesson.course).done(lesson.course.exercises[0]));
  }

  TEST_CASE("a student's copy has neither solutions nor hidden tests") {
    const SmallCourse small;
    const Scratch out;
    const Course course = read_course(small.path);
    export_course(course, out.path / "student", Copy::student);
    CHECK_FALSE(fs::exists(out.path / "student/01-twice/solution.cpp"));
    CHECK_FALSE(fs::exists(out.path / "student/01-twice/hidden_test.cpp"));
    const Course copy = read_course(out.path / "student");
    CHECK(starting_point(copy.exercises[0]) == starting_point(course.exercises[0]));
    export_course(course, out.path / "staff", Copy::staff);
    CHECK(fs::exists(out.path / "staff/01-twice/hidden_test.cpp"));
    CHECK_THROWS_AS(export_course(course, out.path / "staff", Copy::staff), ValueError);
  }
}

TEST_SUITE("course") {
  TEST_CASE("passing an exercise does not move on by itself, coming back does") {
    const SmallCourse small;
    small.add_copy("02-again");
    write(small.path / "01-twice/exercise.cpp", solution_text);
    Lesson lesson(small.path);
    CHECK(lesson.run(false) == passed);
    CHECK(lesson.progress.current().name == "01-twice");
    Lesson later(small.path);
    later.go_on();
    CHECK(later.progress.current().name == "02-again");
    CHECK(later.run(false) == not_passed);
    later.go_on();
    CHECK(later.progress.current().name == "02-again");
  }

  TEST_CASE("a right and a wrong exercise") {
    const SmallCourse small;
    const TestRun right = small.run(body("return 2 * x;"));
    CHECK(right.passed());
    CHECK(right.points() == 2);
    const TestRun wrong = small.run(body("return -2 * x;"));
    CHECK(wrong.outcome == TestRun::Outcome::failed);
    REQUIRE(wrong.cases.size() == 2);
    REQUIRE(wrong.cases[0].messages.size() == 1);
    CHECK(wrong.cases[0].messages[0] == "twice(1): it is -2, expected 2. The sign is wrong.");
  }

  TEST_CASE("an exercise that does not compile shows its first error only") {
    const SmallCourse small;
    const TestRun run = small.run(body("return 2 * y;\nreturn z;"));
    CHECK(run.outcome == TestRun::Outcome::compile_error);
    const std::string first = first_error(run.output);
    CHECK(first.find("'y'") + first.find("‘y’") != std::string::npos);
    CHECK(first.find("work.cpp:4") != std::string::npos);
    CHECK(first.find("work.cpp:5") == std::string::npos);
  }

  TEST_CASE("an endless loop is stopped") {
    const TestRun run = SmallCourse().run(body("volatile int y = x;\nwhile (y == x) {}\nreturn y;"), 1);
    CHECK(run.outcome == TestRun::Outcome::timed_out);
    CHECK(run.test_seconds < 5);
    CHECK(run.cases.back().messages[0].find("loop that does not end") != std::string::npos);
  }

  TEST_CASE("runaway memory is stopped") {
    const TestRun run = SmallCourse().run(
        body("std::vector<std::vector<char>> all;\nfor (;;) all.emplace_back(1 << 24, 'x');\nreturn x;"));
    CHECK_FALSE(run.passed());
    CHECK(run.points() == 0);
  }

  TEST_CASE("a crash and an early exit cost their test and what follows") {
    const SmallCourse small;
    const TestRun crash = small.run(body("return *static_cast<volatile int*>(nullptr) + x;"));
    CHECK(crash.outcome == TestRun::Outcome::crashed);
    CHECK(crash.points() == 0);
    const TestRun left = small.run("#include <cstdlib>\n" + body("if (x == 2) std::exit(0);\nreturn 2 * x;"));
    CHECK(left.outcome == TestRun::Outcome::crashed);
    CHECK(left.points() == 1);
  }

  TEST_CASE("marks for Gradescope and as JUnit") {
    const SmallCourse small;
    const Scratch submission;
    write(submission.path / "01-twice.cpp", body("return x == 3 ? 0 : 2 * x;"));
    const auto marks = grade(read_course(small.path), submission.path, {20});
    const auto json = nlohmann::json::parse(gradescope(marks));
    CHECK(json["score"] == 2);
    REQUIRE(json["tests"].size() == 3);
    CHECK(json["tests"][2]["visibility"] == "after_published");
    CHECK(json["tests"][2]["max_score"] == 1);
    CHECK(json["tests"][2]["score"] == 0);
    CHECK(junit(marks).find("tests=\"3\" failures=\"1\"") != std::string::npos);
    const Scratch nothing;
    CHECK(nlohmann::json::parse(gradescope(grade(read_course(small.path), nothing.path, {20})))["score"] == 0);
  }

  TEST_CASE("marks add up to the points of the course, whatever is handed in") {
    const SmallCourse small;
    struct HandedIn {
      std::string source;
      int score, tests;
    };
    for (const auto& [source, score, tests] :
         {HandedIn{body("return x == 1 ? 2 : 0;"), 1, 3},
          {"#include <cstdlib>\n" + body("if (x == 1) std::exit(0);\nreturn 2 * x;"), 1, 3},
          {"", 0, 2}}) {
      CAPTURE(source);
      const Scratch submission;
      if (!source.empty()) write(submission.path / "01-twice.cpp", source);
      const auto marks = grade(read_course(small.path), submission.path, {20});
      const auto json = nlohmann::json::parse(gradescope(marks));
      int points = 0, most = 0, failures = 0;
      for (std::size_t i = 0; i < marks.size(); ++i) {
        const auto& test = json["tests"].at(i);
        points += test["score"].get<int>();
        most += test["max_score"].get<int>();
        failures += test["status"] == "failed";
        CHECK(test["visibility"] == (marks[i].hidden ? "after_published" : "visible"));
      }
      CHECK(points == score);
      CHECK(json["score"] == score);
      CHECK(most == 3);
      CHECK(marks.size() == static_cast<std::size_t>(tests));
      CHECK(junit(marks).find(fmt::format("tests=\"{}\" failures=\"{}\"", tests, failures)) != std::string::npos);
      if (source.empty())
        CHECK(said_by("grade '" + submission.path.string() + "'", small.path).ends_with("0 of 3 points\n"));
    }
  }

  TEST_CASE("the command says how many hints and points there are, those of exercises not begun too") {
    const SmallCourse small;
    small.add_copy("02-again");
    write(small.path / "01-twice/exercise.cpp", solution_text);
    const std::string all = said_by("check-all", small.path);
    CHECK(all.ends_with("1 of 2 exercises pass their public tests, 3 of 6 points\n"));
    CHECK(said_by("hint 2", small.path) == "hint 1 of 3: a\n");
    CHECK(said_by("hint 2", small.path) == "hint 1 of 3: a\nhint 2 of 3: b\n");
  }

  TEST_CASE("a difference shows the worst element, its place, how many are wrong, and what it looks like") {
    const SmallCourse small;
    write(small.path / "01-twice/public_test.cpp",
          "#include EXERCISE\n#include \"check.h\"\n#include \"picture.h\"\n"
          "using L = std::vector<double>;\n"
          "TEST_CASE(\"late\") { course::close(\"x\", L{0, 1, 5, 7}, L{1, 5, 7, 2}); }\n"
          "TEST_CASE(\"early\") { course::close(\"x\", L{5, 7, 2, 0}, L{1, 5, 7, 2}); }\n"
          "TEST_CASE(\"worst\") {\n"
          "  const auto got = glocal::Tensor::from(L{1, 2.5, 3, 4, 5, 66}, {2, 3});\n"
          "  course::close(\"x\", got, glocal::Tensor::from(L{1, 2, 3, 4, 5, 6}, {2, 3}));\n}\n"
          "TEST_CASE(\"place\") {\n"
          "  const auto got = glocal::Tensor::from(L{1, 2, 3, 40, 5, 6}, {2, 3});\n"
          "  course::close(\"x\", got, glocal::Tensor::from(L{1, 2, 3, 4, 5, 6}, {2, 3}));\n}\n"
          "TEST_CASE(\"picture\") {\n"
          "  course::draw({.title = \"t\", .lines = {{\"a\", {{0, 1}, {1, 10000}}}}, .log_y = true}, \"p.svg\");\n}\n");
    const TestRun run = small.run(body("return 2 * x;"));
    REQUIRE(run.cases.size() == 5);
    const auto says = [&](std::size_t i) { return run.cases[i].messages.at(0); };
    CHECK(says(0) == "x: [3] is 7, expected 2 (4 of 4 elements are wrong). Everything comes one place too late.");
    CHECK(says(1) == "x: [2] is 2, expected 7 (4 of 4 elements are wrong). Everything comes one place too early.");
    CHECK(says(2) == "x: [1, 2] is 66, expected 6 (2 of 6 elements are wrong).");
    CHECK(says(3) == "x: [1, 0] is 40, expected 4 (1 of 6 elements are wrong).");
    const std::string picture = read_file((small.path / "p.svg").string());
    for (const char* label : {">1<", ">10<", ">100<", ">1e+03<", ">1e+04<"})
      CHECK_MESSAGE(picture.find(label) != std::string::npos, label);
  }
}
