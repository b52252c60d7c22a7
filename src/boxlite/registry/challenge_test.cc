#include "boxlite/registry/challenge.h"

#include <gmock/gmock.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Challenge, IsReadAsRegistriesWriteIt) {
  const auto challenges = ParseChallenges(
      {R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="a:b:c,d")"});
  ASSERT_EQ(challenges.size(), 1U);
  EXPECT_EQ(challenges[0].scheme, "bearer");
  EXPECT_THAT(challenges[0].parameters,
              ElementsAre(Pair("realm", "https://auth.docker.io/token"), Pair("scope", "a:b:c,d"),
                          Pair("service", "registry.docker.io")));
}

TEST(Challenge, MayBeOneOfSeveral) {
  const auto challenges = ParseChallenges(
      {R"(Negotiate, BASIC Realm = "a \"b\" c" , charset=UTF-8, Bearer realm=x)", "Digest"});
  ASSERT_EQ(challenges.size(), 4U);
  EXPECT_EQ(challenges[0].scheme, "negotiate");
  EXPECT_EQ(challenges[1].scheme, "basic");
  EXPECT_THAT(challenges[1].parameters,
              ElementsAre(Pair("charset", "UTF-8"), Pair("realm", "a \"b\" c")));
  EXPECT_EQ(challenges[2].parameters.at("realm"), "x");
  EXPECT_EQ(challenges[3].scheme, "digest");
}

TEST(Challenge, OfNonsenseEndsThere) {
  EXPECT_EQ(ParseChallenges({"", " , ,", "\x01", "=x", "\"quoted\""}).size(), 0U);
  // What came before is kept, what follows is not guessed.
  EXPECT_EQ(ParseChallenges({"Basic realm=\"never ends"}).at(0).parameters.size(), 0U);
  EXPECT_EQ(ParseChallenges({"Basic realm=\"ends\\"}).at(0).parameters.size(), 0U);
  const auto doubled = ParseChallenges({"Basic a=1, a=2"});
  EXPECT_EQ(doubled.at(0).parameters.at("a"), "1");
  EXPECT_EQ(ParseChallenges({"Basic a=1 b=2, Bearer"}).size(), 1U);
}

TEST(Challenge, HasBounds) {
  std::string many = "Basic p0=0";
  for (int i = 1; i < 1000; ++i) many += ",p" + std::to_string(i) + "=0";
  EXPECT_LE(ParseChallenges({many}).at(0).parameters.size(), 16U);
  EXPECT_LE(ParseChallenges(std::vector<std::string>(1000, "Basic")).size(), 16U);
  std::string schemes;
  for (int i = 0; i < 1000; ++i) schemes += "Basic, ";
  EXPECT_LE(ParseChallenges({schemes}).size(), 16U);
}

TEST(TokenAnswer, HasOneOfTwoNames) {
  EXPECT_EQ(ParseTokenAnswer(R"({"token":"a","access_token":"b"})")->text, "a");
  EXPECT_EQ(ParseTokenAnswer(R"({"access_token":"b","expires_in":300})")->lifetime.count(), 300);
  EXPECT_EQ(ParseTokenAnswer(R"({"token":"a"})")->lifetime.count(), 60);
}

TEST(TokenAnswer, KeepsNoAbsurdLifetime) {
  for (const char* absurd : {"-5", "0", "1e300", "\"x\"", "null"}) {
    const std::string json = std::string(R"({"token":"a","expires_in":)") + absurd + "}";
    EXPECT_EQ(ParseTokenAnswer(json)->lifetime.count(), 60) << absurd;
  }
  for (const char* long_one : {"100000000", "9223372036854775807", "18446744073709551615"}) {
    const std::string json = std::string(R"({"token":"a","expires_in":)") + long_one + "}";
    EXPECT_EQ(ParseTokenAnswer(json)->lifetime.count(), 24 * 3600) << long_one;
  }
}

TEST(TokenAnswer, IsRefusedWhereItCouldBreakAHeader) {
  for (const char* bad : {"", "a b", "a\n", "\x7f", "\xc3\xa4"}) EXPECT_FALSE(IsTokenText(bad));
  EXPECT_FALSE(IsTokenText(std::string(70'000, 'x')));
  EXPECT_TRUE(IsTokenText("eyJ.x-_=~+/"));
}

TEST(Reason, IsTheRegistrysOwnWordsMadeFitToShow) {
  EXPECT_EQ(ReasonOf(R"({"errors":[{"code":"DENIED","message":"not\n\u001byou"}]})"), "not ?you");
  EXPECT_EQ(ReasonOf(R"({"errors":[{"code":"DENIED"}]})"), "DENIED");
  EXPECT_EQ(ReasonOf(R"({"details":"no"})"), "no");
  for (const char* none : {"", "x", "[]", "7", R"({"errors":[]})", R"({"errors":[7]})",
                           R"({"errors":{"0":7}})", R"({"message":7})"}) {
    EXPECT_EQ(ReasonOf(none), "") << none;
  }
  EXPECT_LE(ReasonOf("{\"message\":\"" + std::string(5000, 'x') + "\"}").size(), 300U);
}

}  // namespace
}  // namespace boxlite
