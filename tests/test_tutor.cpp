// ./learn: courses, skeletons, marks, copies to hand out, and the limits that a student's program runs under.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include <glocal/core/error.h>
#include <glocal/core/file.h>
#include <glocal/tutor/course.h>
#include <glocal/tutor/lesson.h>
#include <glocal/tutor/process.h>
#include <glocal/tutor/progress.h>
#include <glocal/tutor/skeleton.h>
#include <glocal/tutor/teacher.h>
#include <glocal/tutor/workshop.h>

#include "data_files.h"

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
  data_files::Folder folder;
  fs::path path = folder.path();
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
  TestRun run(const std::string& source, double seconds = 20) const {
    const Course course = read_course(path);
    write(path / "work.cpp", source);
    const Exercise& exercise = course.exercises[0];
    return run_tests(exercise, path / "work.cpp", exercise.public_test(), path / "builds",
                     {seconds, std::int64_t{1} << 30});
  }
};

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
    const data_files::Folder folder;
    const fs::path checkout = folder.path(), source = GLOCAL_SOURCE_DIR;
    fs::create_directories(checkout / "tutor");
    for (const char* file : {"learn", "tutor/help.txt"}) fs::copy_file(source / file, checkout / file);
    const std::string out = (checkout / "out").string(), help = read_file((source / "tutor/help.txt").string());
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

  TEST_CASE("a student's copy has neither solutions nor hidden tests") {
    const SmallCourse small;
    const data_files::Folder out;
    const Course course = read_course(small.path);
    export_course(course, out.path() / "student", Copy::student);
    CHECK_FALSE(fs::exists(out.path() / "student/01-twice/solution.cpp"));
    CHECK_FALSE(fs::exists(out.path() / "student/01-twice/hidden_test.cpp"));
    const Course copy = read_course(out.path() / "student");
    CHECK(starting_point(copy.exercises[0]) == starting_point(course.exercises[0]));
    export_course(course, out.path() / "staff", Copy::staff);
    CHECK(fs::exists(out.path() / "staff/01-twice/hidden_test.cpp"));
    CHECK_THROWS_AS(export_course(course, out.path() / "staff", Copy::staff), ValueError);
  }
}

TEST_SUITE("course") {
  TEST_CASE("passing an exercise does not move on by itself, coming back does") {
    const SmallCourse small;
    fs::copy(small.path / "01-twice", small.path / "02-again", fs::copy_options::recursive);
    nlohmann::json course = nlohmann::json::parse(read_file((small.path / "course.json").string(), 1 << 20));
    course["exercises"].push_back(course["exercises"][0]);
    course["exercises"][1]["name"] = "02-again";
    write(small.path / "course.json", course.dump());
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
    const data_files::Folder submission;
    write(submission.path() / "01-twice.cpp", body("return x == 3 ? 0 : 2 * x;"));
    const auto marks = grade(read_course(small.path), submission.path(), {20});
    const auto json = nlohmann::json::parse(gradescope(marks));
    CHECK(json["score"] == 2);
    REQUIRE(json["tests"].size() == 3);
    CHECK(json["tests"][2]["visibility"] == "after_published");
    CHECK(json["tests"][2]["max_score"] == 1);
    CHECK(json["tests"][2]["score"] == 0);
    CHECK(junit(marks).find("tests=\"3\" failures=\"1\"") != std::string::npos);
    const data_files::Folder nothing;
    CHECK(nlohmann::json::parse(gradescope(grade(read_course(small.path), nothing.path(), {20})))["score"] == 0);
  }

  TEST_CASE("what a program started is killed with it") {
    const auto start = run_limited({"sh", "-c", "sleep 30 & sleep 30 & echo begun; sleep 30"}, {0.5});
    CHECK(start.how == Finished::How::timed_out);
    CHECK(start.output == "begun\n");
    CHECK(start.seconds < 3);
    CHECK(run_limited({"sh", "-c", "exit 7"}, {5}).code == 7);
    CHECK(run_limited({"no-such-program"}, {5}).code == 127);
  }
}
