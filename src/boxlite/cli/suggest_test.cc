#include "boxlite/cli/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace boxlite::cli {
namespace {

constexpr std::array<std::string_view, 9> kWords = {
    "run", "rm", "restart", "inspect", "create", "version", "exec", "completion", "ls"};

TEST(Suggest, FindsTheWordThatWasMeant) {
  struct Case {
    std::string_view typed;
    std::string_view meant;
  };
  for (const Case& each : std::initializer_list<Case>{{"rnu", "run"},
                                                      {"runn", "run"},
                                                      {"inpsect", "inspect"},
                                                      {"insepct", "inspect"},
                                                      {"creat", "create"},
                                                      {"craete", "create"},
                                                      {"exce", "exec"},
                                                      {"versoin", "version"},
                                                      {"re", "rm"},
                                                      {"res", "restart"},
                                                      {"complet", "completion"}}) {
    EXPECT_EQ(Nearest(each.typed, kWords), each.meant) << each.typed;
  }
}

TEST(Suggest, FindsNothingForAnotherWord) {
  for (const std::string_view typed :
       {"", "x", "frob", "zz", "pull", "inspectorate", "xxxxxxx", "r"}) {
    EXPECT_EQ(Nearest(typed, kWords), std::nullopt) << typed;
  }
  EXPECT_EQ(Nearest(std::string(100'000, 'a'), kWords), std::nullopt);
}

TEST(Suggest, GuessesNothingFromABeginThatSeveralHave) {
  constexpr std::array<std::string_view, 2> kTwo = {"commit", "completion"};
  EXPECT_EQ(Nearest("com", kTwo), std::nullopt);
}

}  // namespace
}  // namespace boxlite::cli
