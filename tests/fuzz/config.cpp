// config.json as --config takes it; settings that are accepted come back from their own JSON.
#include <glocal/app/settings/config.h>
#include <glocal/app/settings/json_text.h>
#include <glocal/app/settings/options.h>

#include "fuzz.h"

using namespace glocal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::expect_typed_errors([&] {
    const app::Json json = app::parse_json(fuzz::text_of(data, size), "input");
    for (const app::Command command : {app::Command::train, app::Command::tune, app::Command::compare}) {
      app::Options options, again;
      options.command = again.command = command;
      app::read_settings(options, json, "input");
      const std::string written = app::to_json(options).dump();
      app::read_settings(again, app::parse_json(written, "again"), "again");
      fuzz::demand(app::to_json(again).dump() == written, "settings that change when written");
    }
  });
  return 0;
}
