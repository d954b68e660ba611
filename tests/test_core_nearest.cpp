#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <glocal/core/text/nearest.h>

using namespace glocal;

TEST_SUITE("fast") {
  TEST_CASE("nearest name: what was meant is found two letters away, by its beginning, and never far off") {
    const std::vector<std::string> commands = {"train", "tune", "compare", "data", "dmd", "runs"};
    CHECK(nearest("trian", commands) == "train");      // swapped
    CHECK(nearest("tran", commands) == "train");       // left out
    CHECK(nearest("traiin", commands) == "train");     // put in
    CHECK(nearest("trbin", commands) == "train");      // changed
    CHECK(nearest("TUNE", commands) == "tune");        // capitals
    CHECK(nearest("comp", commands) == "compare");     // a beginning
    CHECK(nearest("cmopaer", commands) == "compare");  // two swaps
    CHECK(nearest("banana", commands).empty());
    CHECK(nearest("cmopeear", commands).empty());  // three away
    CHECK(nearest("", commands).empty());
    CHECK(nearest("momentm", {"lr", "momentum", "weight_decay"}) == "momentum");
    CHECK(nearest("lr@laier1", {"lr@layer0", "lr@layer1"}) == "lr@layer1");
    CHECK(nearest("laier1", {"weights", "layers.0", "layers.1"}) == "layers.1");
    CHECK(nearest("weight-decay", {"weight_decay", "lr"}) == "weight_decay");
    CHECK(nearest("--", {"--steps"}).empty());
    CHECK(nearest("--stepz", {"--steps-back", "--steps", "--step"}) == "--steps");
  }

  TEST_CASE("nearest name: short names are not taken for any other short name") {
    CHECK(nearest("xx", {"es", "gp", "lr"}).empty());
    CHECK(nearest("rl", {"es", "gp", "lr"}) == "lr");
    CHECK(nearest("ep", {"es", "gp", "lr"}) == "es");
    CHECK(nearest("agd", {"adam", "sgd"}) == "sgd");
  }

  TEST_CASE("nearest name: the sentence quotes the name, and lists a few names or says where all are") {
    CHECK(unknown_name("sign2", "meta-optimizer", {"sgd", "adam", "sign"}, "glocal list meta-optimizers") ==
          "\"sign2\" is no meta-optimizer; did you mean sign? (there are: sgd, adam, sign)");
    CHECK(unknown_name("crystal", "estimator", {"global", "global-forward", "local", "local-restart", "truncated"},
                       "glocal list estimators") == "\"crystal\" is no estimator (glocal list estimators shows all)");
    const std::string evil = unknown_name("\x1b[2J" + std::string(100000, 'x'), "model", {"mlp"}, "");
    CHECK(evil.starts_with("\"\\x1b[2Jxxx"));
    CHECK(evil.size() < 120);
  }
}
