// Every setting and every other flag that takes a value, with values that none should take.
#include <doctest/doctest.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include <glocal/app/command/command.h>
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/settings.h>
#include <glocal/core/error.h>

#include "command.h"

using namespace glocal;
using namespace glocal::app;

namespace {

const std::vector<std::string> huge = {"9223372036854775807", "18446744073709551616", "1e300"};
const std::vector<std::string> never = {"nan", "-nan", "inf", "-inf", "1e999", "x", "1x", "0x", "--", " 1", "1 "};

// What parsing says against these arguments, or "".
std::string said(const std::vector<std::string>& arguments) {
  CLI::App app("", "glocal");
  add_commands(app);
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  app.parse_complete_callback([] { throw CLI::Success(); });  // before any command runs
  try {
    app.parse(reversed);
  } catch (const CLI::Success&) {
    return "";
  } catch (const Error& error) {
    return error.what();
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return "nothing was parsed";
}

std::string config_says(const std::string& key, const std::string& json) {
  Options options;
  try {
    read_settings(options, Json::parse("{\"" + key + "\": " + json + "}"), "c.json");
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

// Calls visit(setting, is it a whole number, is it a number, is it a list).
void each_setting(const std::function<void(const Setting&, bool, bool, bool)>& visit) {
  Options options;
  for_each_setting(options, [&]<class T>(const Setting& setting, const T&) {
    if constexpr (List<T>) {
      using Element = typename T::value_type;
      visit(setting, std::is_integral_v<Element>, std::is_arithmetic_v<Element>, true);
    } else {
      visit(setting, std::is_integral_v<T>, std::is_arithmetic_v<T>, false);
    }
  });
}

const char* command_of(const Setting& setting) {
  return setting.in(Command::tune) ? "tune" : setting.in(Command::train) ? "train" : "compare";
}

}  // namespace

TEST_SUITE("fast") {
  TEST_CASE(
      "settings: every number has bounds, and what lies outside is refused by flag and by key in the same words") {
    int numbers = 0;
    each_setting([&](const Setting& setting, bool whole, bool number, bool list) {
      if (!number) return;
      ++numbers;
      const std::string flag = train::flag_of(setting.key);
      CAPTURE(flag);
      const auto refused = [&](const std::string& text, bool in_json) {
        CAPTURE(text);
        const std::string by_flag = said({command_of(setting), flag, text});
        CHECK(by_flag.starts_with("[options] " + flag + ": "));
        CHECK(has(by_flag, whole ? " is no whole number from " : " is no number "));
        if (!in_json) return;
        const std::string by_key = config_says(setting.key, list ? "[" + text + "]" : text);
        const std::string source = std::string("[options] c.json: ") + setting.key + ": ";
        CHECK(by_key.starts_with(source));
        CHECK(by_key.substr(by_key.find(" is no ")) == by_flag.substr(by_flag.find(" is no ")));
      };
      for (const std::string& text : never) refused(text, false);
      const bool wide = !whole && setting.allowed.most > 1e18;  // an option that may be very large, and is finite
      if (setting.key != std::string_view("seed") && !wide) refused("9223372036854775807", true);
      refused("-1", true);
      if (whole) refused("2.5", true);
      if (!whole) refused("1e300", true);
      CHECK(has(said({command_of(setting), flag, ""}), flag + ": the text after it is empty"));
      // The bounds themselves are taken where they belong to the range.
      const Allowed& range = setting.allowed;
      if (!range.above_least && range.least > -1e18) {
        const std::string least = fmt::format("{:.0f}", range.least);
        CHECK(said({command_of(setting), flag, least}).empty());
        CHECK(config_says(setting.key, list ? "[" + least + "]" : least).empty());
      }
      if (range.least == 1) refused("0", true);
    });
    CHECK(numbers >= 30);
  }

  TEST_CASE("settings: every other one has a list of names, an enumeration or a form") {
    each_setting([&](const Setting& setting, bool, bool number, bool) {
      const std::string key = setting.key, flag = train::flag_of(key);
      CHECK_MESSAGE(!setting.help.empty(), key);                 // glocal list settings shows it
      if (number || key == "data_dir" || key == "tune") return;  // any text, and checked with the model
      CAPTURE(flag);
      const std::string wrong = said({command_of(setting), flag, "no-such-thing"});
      CHECK(wrong.starts_with("[options] " + flag + ": \"no-such-thing\" is no "));
      CHECK(wrong.size() < 200);
    });
  }

  TEST_CASE("flags: a flag or an argument that wants a text refuses an empty one by name") {
    CLI::App app("", "glocal");
    add_commands(app);
    int flags = 0;
    const std::function<void(CLI::App&, std::vector<std::string>)> walk = [&](CLI::App& at,
                                                                              std::vector<std::string> path) {
      for (CLI::Option* option : at.get_options()) {
        if (option->get_items_expected_max() == 0) continue;
        ++flags;
        std::vector<std::string> arguments = path;
        if (!option->get_positional()) arguments.push_back(option->get_name());
        arguments.emplace_back("");
        CAPTURE(option->get_name());
        const std::string words = said(arguments);
        CHECK(has(words, option->get_name() + ": the text after it is empty"));
      }
      for (CLI::App* command : at.get_subcommands([](CLI::App*) { return true; })) {
        path.push_back(command->get_name());
        walk(*command, path);
        path.pop_back();
      }
    };
    walk(app, {});
    CHECK(flags >= 150);
    const Scratch scratch;
    for (const char* empty : {"tune --resume ''", "tune --resume=", "tune --resume= --quiet", "compare --resume ''",
                              "train --out ''", "tune --config ''", "dmd ''", "runs show ''"}) {
      CAPTURE(empty);
      const Result result = glocal_command(scratch, empty);
      CHECK(result.code == 2);
      CHECK(has(result.error, "the text after it is empty"));
    }
  }

  TEST_CASE("flags: numbers of the other commands have bounds too") {
    const auto refused = [](const std::vector<std::string>& command, const std::string& flag,
                            const std::vector<std::string>& values) {
      for (const auto& list : {values, never, huge})
        for (const std::string& value : list) {
          std::vector<std::string> arguments = command;
          arguments.insert(arguments.end(), {flag, value});
          CAPTURE(flag);
          CAPTURE(value);
          CHECK(has(said(arguments), flag + ": "));
          CHECK(has(said(arguments), "is no "));
        }
    };
    refused({"dmd", "f.csv"}, "--delays", {"0", "-1", "2.5"});
    refused({"dmd", "f.csv"}, "--rank", {"-1", "2.5"});
    refused({"dmd", "f.csv"}, "--energy", {"-0.1", "1.1"});
    refused({"dmd", "f.csv"}, "--bins", {"1", "0", "-1"});
    refused({"dmd", "f.csv"}, "--t0", {"-1", "1e16"});
    refused({"dmd", "f.csv"}, "--horizon", {"0", "-1"});
    refused({"data", "show", "digits"}, "--n", {"0", "-1", "401"});
    refused({"reproduce", "noise"}, "--seeds", {"0", "-1"});
    refused({"reproduce", "noise"}, "--threads", {"-1", "1025"});
    refused({"tune"}, "--epochs", {"0", "-1"});
    for (const char* flag : {"--lr", "--momentum", "--weight-decay"})
      for (const std::string& value : never) CHECK(has(said({"tune", flag, value}), std::string(flag) + ": "));
    for (const std::string& value : never) CHECK(has(said({"tune", "--set", "lr=" + value}), "--set lr: "));
  }
}

TEST_SUITE("slow") {
  TEST_CASE("settings: a refused value leaves nothing behind, and an extreme one that is taken ends in words") {
    const Scratch scratch;
    each_setting([&](const Setting& setting, bool, bool number, bool) {
      if (!number || std::string_view(setting.key) == "threads") return;
      const std::string flag = train::flag_of(setting.key);
      for (const std::string value : {"0", "9223372036854775807"}) {
        CAPTURE(flag);
        CAPTURE(value);
        std::filesystem::remove_all(scratch / "run");
        const std::string usual = setting.key == std::string_view("steps") ? "" : " --steps 6";
        const std::string block = setting.key == std::string_view("block") ? "" : " --block 3";
        const bool tuning = setting.in(Command::compare) && !setting.in(Command::train);
        const Result result = glocal_command(
            scratch, std::string(command_of(setting)) +
                         (setting.key == std::string_view("hidden") ? "" : " --hidden 4") + usual +
                         (tuning ? block : "") + " " + flag + " " + value + " --quiet --out " + (scratch / "run"));
        CAPTURE(result.error);
        CHECK((result.code == 0 || result.code == 2 || result.code == 5));
        if (result.code == 0) continue;
        CHECK(result.error.starts_with("glocal: error: "));
        CHECK(!has(result.error, "bad_alloc"));
        if (result.code == 2) CHECK(!std::filesystem::exists(scratch / "run"));
      }
    });
  }
}
