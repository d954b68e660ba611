// main() of every exercise's tests: a line of JSON per event in $GLOCAL_EXERCISE_RESULTS, read by ./learn.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::json;

struct Results : doctest::IReporter {
  std::ofstream file{std::getenv("GLOCAL_EXERCISE_RESULTS") ? std::getenv("GLOCAL_EXERCISE_RESULTS") : "/dev/stdout"};
  std::vector<std::string> messages;

  explicit Results(const doctest::ContextOptions&) {}
  // Flushed at once: a crash must not hide where it happened.
  void write(const Json& event) { file << event.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl; }

  void test_case_start(const doctest::TestCaseData& data) override {
    messages.clear();
    write({{"case", data.m_name}});
  }
  void log_assert(const doctest::AssertData& data) override {
    if (!data.m_failed) return;
    std::string text = data.m_threw ? data.m_exception.c_str() : data.m_decomp.c_str();
    if (text != data.m_expr) text = std::string(data.m_expr) + " is " + text;
    messages.push_back(text);
  }
  void log_message(const doctest::MessageData& data) override { messages.push_back(data.m_string.c_str()); }
  void test_case_exception(const doctest::TestCaseException& e) override {
    if (e.is_crash) return;  // the reader of the results says it better
    messages.push_back(e.error_string.c_str());
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    write({{"passed", stats.testCaseSuccess}, {"messages", messages}});
  }
  void test_run_end(const doctest::TestRunStats&) override { write({{"end", true}}); }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

}  // namespace

REGISTER_REPORTER("results", 1, Results);

int main() {
  doctest::Context context;
  context.setOption("reporters", "results");
  context.setOption("no-breaks", true);
  return context.run();
}
