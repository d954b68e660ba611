// Tables as spreadsheets, NumPy, MATLAB, R and people write them: right, or an error with file, line and field.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include <glocal/app/dmd/series_file.h>
#include <glocal/app/dmd/series_text.h>
#include <glocal/core/error.h>
#include <glocal/core/io/npy.h>
#include <glocal/core/tensor.h>

#include "data_files.h"

using namespace glocal;
using data_files::contains;

namespace {

using Rows = std::vector<std::vector<double>>;

// What a file holds, and what is said about it: as an error, or as notes where there are rows.
struct Case {
  std::string bytes;
  Rows rows;
  std::string words = "";
};

void check(const Case& one) {
  CAPTURE(one.bytes);
  std::vector<std::string> notes;
  std::string said, trouble;
  Tensor series;
  try {
    series = app::parse_series(one.bytes, "s.csv", &notes);
  } catch (const DataError& error) {
    trouble = error.what();
  }
  for (const std::string& note : notes) said += note + "\n";
  CAPTURE(said);
  CAPTURE(trouble);
  if (one.rows.empty()) {
    CHECK(contains(trouble, "[dmd] s.csv:"));
    CHECK(contains(trouble, one.words));
    return;
  }
  REQUIRE(series);
  const auto width = static_cast<std::int64_t>(one.rows[0].size());
  REQUIRE(series.shape() == Shape{static_cast<std::int64_t>(one.rows.size()), width});
  std::int64_t i = 0;
  for (const std::vector<double>& row : one.rows)
    for (const double number : row) CHECK(series.at(i++) == number);
  CHECK(one.words.empty() == said.empty());
  CHECK(contains(said, one.words));
}

const Rows pairs = {{0.1, 0.2}, {0.3, 0.4}, {0.5, -0.6}};
const Rows column = {{0.95}, {0.855}, {0.7695}};

}  // namespace

TEST_SUITE_BEGIN("fast");

TEST_CASE("series text: separators, blanks, line ends and marks of the encoding") {
  for (const Case& one : std::vector<Case>{
           {"0.1,0.2\n0.3,0.4\n0.5,-0.6\n", pairs},
           {"0.1, 0.2\n0.3, 0.4\n0.5, -0.6\n", pairs},
           {"0.1;0.2\n0.3;0.4\n0.5;-0.6\n", pairs},
           {"0.1\t0.2\n0.3\t0.4\n0.5\t-0.6\n", pairs},
           {"0.1|0.2\n0.3|0.4\n0.5|-0.6\n", pairs},
           {"0.1 0.2\n0.3 0.4\n0.5 -0.6\n", pairs},
           {"   0.1    0.2  \n   0.3    0.4  \n   0.5   -0.6  \n", pairs},
           {"0.1,0.2\r\n0.3,0.4\r\n0.5,-0.6\r\n", pairs},
           {"0.1,0.2\r0.3,0.4\r0.5,-0.6\r", pairs},
           {"0.1,0.2\r\n0.3,0.4\n0.5,-0.6\r", pairs},
           {"0.1,0.2\n0.3,0.4\n0.5,-0.6", pairs},
           {"0.95\r0.855\r0.7695", column},
           {"\n\n0.95\n0.855\n0.7695\n\n\n", column},
           {"\xEF\xBB\xBF"
            "0.1,0.2\r\n0.3,0.4\r\n0.5,-0.6\r\n",
            pairs},
           {"\xEF\xBB\xBF"
            "0.95\n0.855\n0.7695\n",
            column},
           {"sep=;\r\n0,1;0,2\r\n0,3;0,4\r\n0,5;-0,6\r\n", pairs},
           {std::string("\xFF\xFE") + std::string("1\0\n\0", 4), {}, "s.csv:1: field 1 begins as UTF-16"},
           {std::string("\xFE\xFF\0001", 4), {}, "UTF-16"},
           {std::string("1\0,\0002\0\n\0", 8), {}, "s.csv:1: field 1"},
           {"0.1,0.2\n0.3;0.4\n", {}, "s.csv:1: field 1 is \"0.1,0.2\", but field 1 of line 2 is \"0.3\""},
           {"1;2\n3,4\n", {}, "s.csv:2: 1 fields, the lines before have 2"},
           {"1,2\t\n3,4\t\n", {}, "s.csv:1: field 2 is \"\""},
           {"0.1,0.2,\n0.3,0.4,\n", {}, "s.csv:1: field 3 is \"\", a missing value"},
           {"| 1 | 2 |\n| 3 | 4 |\n", {}, "s.csv:1: field 1 is \"\""},
           {"[1, 2]\n[3, 4]\n", {}, "s.csv:1: field 1 is \"[1\""},
           {"PK\x03\x04\x14\n1\n2\n", {}, "s.csv:1: field 1 is \"PK\\x03\\x04\\x14\", not a number"},
           {"1,2\n3\n", {}, "s.csv:2: 1 fields, the lines before have 2"},
           {"1 2\n3 4 5\n", {}, "s.csv:2: 3 fields, the lines before have 2"},
       })
    check(one);
}

TEST_CASE("series text: a heading is a name in every field, and is told") {
  for (const Case& one : std::vector<Case>{
           {"t,x\n0.1,0.2\n0.3,0.4\n0.5,-0.6\n", pairs, "s.csv:1: \"t,x\" was taken for a heading"},
           {"\"time (s)\",\"loss, train\"\n0.1,0.2\n0.3,0.4\n0.5,-0.6\n", pairs, "heading"},
           {"t [s];|E|\n0,1;0,2\n0,3;0,4\n0,5;-0,6\n", pairs, "heading"},
           {"# made by hand\nloss\n0.95\n0.855\n0.7695\n", column, "s.csv:2: \"loss\" was taken"},
           {"\xCE\xB1\n0.95\n0.855\n0.7695\n", column, "heading"},
           {"O.95\n0.855\n0.7695\n0.69\n", {}, "s.csv:1: field 1 is \"O.95\", not a number"},
           {"l,5\n0,855\n", {}, "s.csv:1: field 1 is \"l\", not a number"},
           {".95x\n0.855\n", {}, "s.csv:1: field 1 is \".95x\", not a number"},
           {"\xC2\xA0"
            "0.95\n0.855\n",
            {},
            "s.csv:1: field 1"},
           {"\xE2\x88\x92"
            "0.95\n0.855\n",
            {},
            "s.csv:1: field 1"},
           {"\xEF\xBB\xBF\xEF\xBB\xBF"
            "0.95\n0.855\n",
            {},
            "s.csv:1: field 1"},
           {"(0.95)\n0.855\n", {}, "s.csv:1: field 1 is \"(0.95)\", not a number"},
           {"$0.95\n0.855\n", {}, "s.csv:1: field 1"},
           {"'0.95\n0.855\n", {}, "s.csv:1: field 1"},
           {"0x1F\n0.855\n", {}, "s.csv:1: field 1 is \"0x1F\", not a number"},
           {"1st,2nd\n1,2\n", {}, "s.csv:1: field 1 is \"1st\""},
           {"t,\n1,2\n", {}, "s.csv:1: field 1 is \"t\", not a number; a heading has no empty field"},
           {"t,1990\n1,2\n", {}, "none that begins like a number"},
           {"t,x\n1\n2\n", {}, "s.csv:1: the heading has 2 fields, line 2 has 1"},
           {"t,x\ns,m\n1,2\n", {}, "s.csv:2: field 1 is \"s\", not a number"},
           {"t,x\n", {}, ""},
       }) {
    if (one.bytes == "t,x\n")
      CHECK_THROWS_WITH_AS(app::parse_series(one.bytes, "s.csv"), doctest::Contains("holds no numbers"), DataError);
    else
      check(one);
  }
}

TEST_CASE("series text: decimal commas are right or an error, one decimal mark a file") {
  for (const Case& one : std::vector<Case>{
           {"0,1;0,2\n0,3;0,4\n0,5;-0,6\n", pairs},
           {"0,1\t0,2\n0,3\t0,4\n0,5\t-0,6\n", pairs},
           {"0,1|0,2\n0,3|0,4\n0,5|-0,6\n", pairs},
           {"\"0,1\",\"0,2\"\n\"0,3\",\"0,4\"\n\"0,5\",\"-0,6\"\n", pairs},
           {"1;0,2\n2;0,4\n3;-0,6\n", {{1, 0.2}, {2, 0.4}, {3, -0.6}}},
           {"1,5E+02;-2,5e-1\n3;4\n5;6\n", {{150, -0.25}, {3, 4}, {5, 6}}},
           {"0,1 0,2\n0,3 0,4\n", {}, "s.csv:1: field 2 is \"1 0\", not a number"},
           {"0,95\n0,0855\n0,7695\n", {}, "s.csv:2: fields 1 and 2 are \"0,0855\", as a decimal comma leaves them"},
           {"-0,95\n-0,85\n", {}, "s.csv:1: fields 1 and 2 are \"-0,95\""},
           {"0,1,0,02\n0,3,0,4\n", {}, "s.csv:1: fields 3 and 4 are \"0,02\""},
           {"loss\n0,95\n0,855\n", {}, "s.csv:1: the heading has 1 fields, line 2 has 2"},
           {"0,95\n0,855\n0,7695\n", {{0, 95}, {0, 855}, {0, 7695}}, "s.csv:1: commas were taken for separators"},
           {"1,2\n3,4\n5,6\n", {{1, 2}, {3, 4}, {5, 6}}, "not for decimal commas"},
           {"1,2\n3.5,4\n5,6\n", {{1, 2}, {3.5, 4}, {5, 6}}},
           {"a,b\n1,2\n3,4\n", {{1, 2}, {3, 4}}, "heading"},
           {"1,2,3\n4,5,6\n7,8,9\n", {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}},
           {"0,5;0.25\n1;2\n",
            {},
            "s.csv:1: field 1 is \"0,5\", but field 2 of line 1 is \"0.25\"; expected one decimal"},
       })
    check(one);
}

TEST_CASE("series text: thousands are an error, or told where they cannot be known") {
  for (const Case& one : std::vector<Case>{
           {"\"1,234\",\"5,678\"\n\"2,345\",\"6,789\"\n", {}, "s.csv:1: field 1 is \"1,234\", with a decimal comma or"},
           {"1,234\t5,678\n2,345\t6,789\n", {}, "with thousands"},
           {"\"1,234.5\",2\n\"2,345.5\",3\n", {}, "s.csv:1: field 1 is \"1,234.5\", not a number"},
           {"1.234,5;2\n2.345,5;3\n", {}, "s.csv:1: field 1 is \"1.234,5\", not a number"},
           {"1,234,567;1\n2,345,678;2\n", {}, "s.csv:1: field 1 is \"1,234,567\""},
           {"1.234.567;1\n2.345.678;2\n", {}, "s.csv:1: field 1 is \"1.234.567\", not a number"},
           {"1 234;5\n1 235;6\n", {}, "s.csv:1: field 1 is \"1 234\", not a number"},
           {"1'234.5\n1'235.5\n", {}, "s.csv:1: field 1 is \"1'234.5\", not a number"},
           {"1_234\n1_235\n", {}, "not a number"},
           {"1\xC2\xA0"
            "234\n1\xC2\xA0"
            "235\n",
            {},
            "s.csv:1: field 1"},
           {"1\xE2\x80\xAF"
            "234\n1\xE2\x80\xAF"
            "235\n",
            {},
            "s.csv:1: field 1"},
           {"1,234\n1,240\n1,246\n", {{1, 234}, {1, 240}, {1, 246}}, "not for decimal commas or thousands"},
           {"1,234,567\n1,240,001\n", {{1, 234, 567}, {1, 240, 1}}, "s.csv:1: commas were taken for"},
           {"1 234\n1 240\n", {{1, 234}, {1, 240}}, "blanks were taken for separators between 2 whole numbers"},
           {"1.234;5.678\n2.345;6.789\n", {{1.234, 5.678}, {2.345, 6.789}}, "its point was read as a decimal point"},
           {"0.234;5.678\n2.345;6.789\n", {{0.234, 5.678}, {2.345, 6.789}}},
       })
    check(one);
}

TEST_CASE("series text: an empty line or a word for no value is a missing value, with its line and field") {
  for (const std::string word : {"NA",   "NaN",  "nan",     "N/A",      "#N/A",      "#N/A N/A", "#DIV/0!", "#VALUE!",
                                 "#NV",  "NULL", "null",    "None",     "-",         "--",       "?",       ".",
                                 "Inf",  "-Inf", "+inf",    "Infinity", "-nan(ind)", "1.#IND",   "1.#INF",  "nan(0x1)",
                                 "<NA>", "TRUE", "missing", "NaT",      "(null)",    "\"NA\"",   "\"\""}) {
    CAPTURE(word);
    check({"t,x\n0.1,0.2\n0.3," + word + "\n0.5,0.6\n", {}, "s.csv:3: field 2 is \""});
    check({"0.1\n" + word + "\n0.3\n", {}, "s.csv:2: field 1 is \""});
    check({word + "\n0.1\n0.3\n0.5\n", {}, "s.csv:1: field 1 is \""});
    check({word + ",0.2\n0.1,0.2\n0.3,0.4\n", {}, "s.csv:1: field 1 is \""});
  }
  for (const Case& one : std::vector<Case>{
           {"0.95\n\n0.855\n0.7695\n", {}, "s.csv:2: field 1 is empty, a missing value"},
           {"0.95\r\n0.855\r\n  \r\n\r\n0.7695\r\n", {}, "s.csv:3: field 1 is empty"},
           {"loss\n0.95\n# why\n\n0.855\n", {}, "s.csv:4: field 1 is empty"},
           {"0.95\n \t \n0.855\n", {}, "s.csv:2: field 1 is empty"},
           {"0.1,0.2\n\n0.3,0.4\n0.5,-0.6\n", pairs, "s.csv:2: an empty line between snapshots was passed over"},
           {"0.1,0.2\n,\n0.3,0.4\n", {}, "s.csv:2: field 1 is \"\", a missing value"},
           {"0.1\t0.2\n\t\n0.3\t0.4\n", {}, "s.csv:2: field 1 is \"\", a missing value"},
           {"0.1\t\t0.2\n", {}, "s.csv:1: field 2 is \"\""},
           {"0.1\t0.2\n0.3\t\n", {}, "s.csv:2: field 2 is \"\""},
           {"# t x\n% t x\n0.1 0.2\n  # between\n0.3 0.4\n0.5 -0.6\n# the end\n", pairs},
           {"0.1 0.2 # good\n0.3 0.4\n", {}, "s.csv:1: field 3 is \"#\", not a number"},
       })
    check(one);
}

TEST_CASE("series text: signs, exponents, ranges, dates and other spellings of numbers") {
  for (const Case& one : std::vector<Case>{
           {"+1.5\n-2.5\n+.5\n", {{1.5}, {-2.5}, {0.5}}},
           {"1e3\n1E+03\n1.e-3\n-1.5E-2\n", {{1000}, {1000}, {0.001}, {-0.015}}},
           {"1D3\n0.15d+01\n-1.D-2\n", {{1000}, {1.5}, {-0.01}}},
           {"\"0.95\"\n\"0.855\"\n\"0.7695\"\n", column},
           {"\"0.1\",\"0.2\"\n\"0.3\",\"0.4\"\n\"0.5\",\"-0.6\"\n", pairs},
           {"1.7976931348623157e308\n-4.9e-324\n2\n", {{1.7976931348623157e308}, {-4.9e-324}, {2}}},
           {"0.1000000000000000055511151231257827\n1\n2\n", {{0.1}, {1}, {2}}},
           {"1e999\n", {}, "s.csv:1: field 1 is \"1e999\", not a number that f64 can hold"},
           {"1e-999\n", {}, "not a number that f64 can hold"},
           {"+-1\n", {}, "s.csv:1: field 1 is \"+-1\", not a number"},
           {"--1\n2\n", {}, "field 1 is \"--1\", not a number"},
           {"1-\n2\n", {}, "not a number"},
           {"1.5-300\n2\n", {}, "field 1 is \"1.5-300\", not a number"},
           {"1e\n2\n", {}, "not a number"},
           {"1;0x1A\n2;3\n", {}, "s.csv:1: field 2 is \"0x1A\", not a number"},
           {"50%\n60%\n", {}, "field 1 is \"50%\", not a number"},
           {"5 m\n6 m\n", {}, "s.csv:1: field 2 is \"m\", not a number"},
           {"1+2i\n", {}, "not a number"},
           {"1\n2\n\xE2\x88\x92"
            "3\n",
            {},
            "s.csv:3: field 1"},
           {"1\n2\n\xEF\xBC\x93\n", {}, "s.csv:3: field 1"},
           {"date,x\n2020-01-01,1\n", {}, "s.csv:2: field 1 is \"2020-01-01\", not a number"},
           {"2020-01-01,1\n2020-01-02,2\n", {}, "s.csv:1: field 1 is \"2020-01-01\", not a number"},
           {"01/02/2020;1,5\n", {}, "s.csv:1: field 1 is \"01/02/2020\", not a number"},
           {"t,x\n12:30,1\n", {}, "s.csv:2: field 1 is \"12:30\", not a number"},
           {"2020-01-01T00:00:00Z 1\n", {}, "s.csv:1: field 1"},
           {"1\n\"2\n3\n", {}, "s.csv:2: field 1 is \"\"2\", not a number"},
           {"1\n\"2\"3\n", {}, "s.csv:2: field 1 is \"\"2\"3\", not a number"},
       })
    check(one);
}

TEST_CASE("series text: what R, pandas, MATLAB, Octave and Fortran write") {
  for (const Case& one : std::vector<Case>{
           // R: write.csv, write.csv2, write.table with and without row names
           {"\"\",\"V1\",\"V2\"\n\"1\",0.1,0.2\n\"2\",0.3,0.4\n",
            {},
            "s.csv:1: field 1 is \"\", not a number; a heading"},
           {"\"V1\",\"V2\"\n0.1,0.2\n0.3,0.4\n0.5,-0.6\n", pairs, "heading"},
           {"\"V1\";\"V2\"\n0,1;0,2\n0,3;0,4\n0,5;-0,6\n", pairs, "heading"},
           {"\"V1\" \"V2\"\n\"1\" 0.1 0.2\n\"2\" 0.3 0.4\n", {}, "s.csv:1: the heading has 2 fields, line 2 has 3"},
           {"\"1\" 0.1 0.2\n\"2\" 0.3 0.4\n", {}, "s.csv:1: field 1 is quoted and field 2 is not, as row names are"},
           {"V1 V2\n0.1 0.2\n0.3 0.4\n0.5 -0.6\n", pairs, "heading"},
           {"\"x\"\n\"a\" 1\n", {}, "the heading has 1 fields, line 2 has 2"},
           {"\"V1\",\"V2\"\n0.1,NA\n", {}, "s.csv:2: field 2 is \"NA\", a missing value"},
           // pandas: to_csv with and without its index
           {",a,b\n0,0.1,0.2\n1,0.3,0.4\n", {}, "pandas: index = False"},
           {"a,b\n0.1,0.2\n0.3,0.4\n0.5,-0.6\n", pairs, "heading"},
           {"a,b\n0.1,\n0.3,0.4\n", {}, "s.csv:2: field 2 is \"\", a missing value"},
           // MATLAB: writematrix, dlmwrite, save -ascii; Octave: save -text
           {"0.1,0.2\r\n0.3,0.4\r\n0.5,-0.6\r\n", pairs},
           {"   1.0000000e-01   2.0000000e-01\n   3.0000000e-01   4.0000000e-01\n   5.0000000e-01  -6.0000000e-01\n",
            pairs},
           {"0.1,NaN\n", {}, "s.csv:1: field 2 is \"NaN\"; every number must be finite"},
           {"# Created by Octave\n# name: x\n# type: matrix\n# rows: 3\n# columns: 2\n 0.1 0.2\n 0.3 0.4\n 0.5 "
            "-0.6\n\n\n",
            pairs},
           // Fortran list-directed output, gnuplot tables
           {"  0.10000000000000001       0.20000000000000001     \n  0.3  0.4\n  0.5 -0.6\n", pairs},
           {"# t  x\n0.1\t0.2\n0.3\t0.4\n0.5\t-0.6\n", pairs},
       })
    check(one);
}

TEST_CASE("series text: files of numpy.savetxt are read as numpy.loadtxt reads them, bit for bit") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(GLOCAL_SOURCE_DIR "/tests/series")) {
    if (entry.path().extension() != ".txt") continue;
    CAPTURE(entry.path().string());
    std::filesystem::path numbers = entry.path();
    const Tensor series = app::read_series(entry.path().string());
    CHECK(same_bits(series, load_npy(numbers.replace_extension(".npy").string()).reshape(series.shape())));
    ++files;
  }
  CHECK(files >= 14);
}

TEST_SUITE_END();
