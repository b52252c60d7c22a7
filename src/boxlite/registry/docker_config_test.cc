#include "boxlite/registry/docker_config.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/base64.h"
#include "boxlite/base/testing.h"
#include "boxlite/registry/credential_helper.h"

namespace boxlite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Kind = Credential::Kind;

DockerConfig MustParse(const std::string& text) {
  Result<DockerConfig> config = DockerConfig::Parse(text, "config.json");
  BOXLITE_CHECK(config.ok());
  return std::move(*config);
}

Credential MustFind(const std::string& text, const std::string& host) {
  const Result<std::optional<Credential>> found = MustParse(text).Find(host);
  BOXLITE_CHECK(found.ok() && found->has_value());
  return **found;
}

std::string Auth(const std::string& both) { return R"({"auth": ")" + Base64Encode(both) + "\"}"; }

TEST(DockerConfig, HasPasswordsAsDockerWritesThem) {
  const std::string text = R"({"auths": {"r.example:5000": )" + Auth("me:wo:rd") +
                           R"(, "https://index.docker.io/v1/": )" + Auth("hub:x") +
                           R"(, "https://Old.example/v2/": {"username": "u", "password": "p"}}})";
  EXPECT_EQ(MustFind(text, "r.example:5000").user, "me");
  EXPECT_EQ(MustFind(text, "r.example:5000").secret, "wo:rd");
  EXPECT_EQ(MustFind(text, "r.example:5000").kind, Kind::kPassword);
  EXPECT_EQ(MustFind(text, "docker.io").user, "hub");
  EXPECT_EQ(MustFind(text, "old.example").secret, "p");
  const DockerConfig config = MustParse(text);
  for (const char* other :
       {"r.example", "r.example:50000", "example:5000", "r.example:5000.evil"}) {
    EXPECT_FALSE(config.Find(other)->has_value()) << other;
  }
}

TEST(DockerConfig, HasTokens) {
  EXPECT_EQ(MustFind(R"({"auths": {"h": {"auth": ")" + Base64Encode("me:") +
                         R"(", "identitytoken": "refresh"}}})",
                     "h")
                .kind,
            Kind::kRefreshToken);
  EXPECT_EQ(MustFind(R"({"auths": {"h": {"registrytoken": "abc"}}})", "h").kind,
            Kind::kRegistryToken);
  EXPECT_FALSE(MustParse(R"({"auths": {"h": {}}})").Find("h")->has_value());
}

TEST(DockerConfig, NamesTheHostWhoseEntryCannotBeRead) {
  for (const char* bad : {R"("x")", R"({"auth": "!!"})", R"({"auth": "bm8="})",
                          R"({"auth": "Ong="})", R"({"registrytoken": "a b"})"}) {
    const Result<std::optional<Credential>> found =
        MustParse(std::string(R"({"auths": {"h": )") + bad + "}}").Find("h");
    EXPECT_THAT(found, HasCode(ErrorCode::kInvalidArgument)) << bad;
    EXPECT_THAT(found.error().message(), HasSubstr("boxlite login h"));
  }
}

TEST(DockerConfig, ShowsNothingOfAFileThatCannotBeRead) {
  for (const char* bad : {"", "{\"auths\": secret", "[\"secret\"]", R"({"auths": ["secret"]})",
                          R"({"credHelpers": "secret"})"}) {
    const Result<DockerConfig> config = DockerConfig::Parse(bad, "config.json");
    EXPECT_THAT(config, HasCode(ErrorCode::kInvalidArgument)) << bad;
    EXPECT_THAT(config.error().message(), Not(HasSubstr("secret")));
  }
}

TEST(DockerConfig, KnowsTheHelperOfAHost) {
  const DockerConfig config = MustParse(
      R"({"credsStore": "store", "credHelpers": {"gcr.io": "gcr", "index.docker.io": "hub"}})");
  EXPECT_EQ(config.HelperFor("gcr.io"), "gcr");
  EXPECT_EQ(config.HelperFor("docker.io"), "hub");
  EXPECT_EQ(config.HelperFor("r.example"), "store");
  EXPECT_EQ(DockerConfig().HelperFor("r.example"), "");
}

TEST(DockerConfig, KeepsWhatItDoesNotKnow) {
  DockerConfig config = MustParse(
      R"({"zeta": [1, {"x": null}], "auths": {"b": {"auth": "eDp5", "email": "e"}},
          "HttpHeaders": {"A": "ä"}, "big": 12345678901234567890, "psFormat": "table"})");
  config.Set("r.example", "me", "word");
  config.Set("docker.io", "hub", "x");
  EXPECT_TRUE(config.Remove("docker.io"));
  EXPECT_FALSE(config.Remove("docker.io"));
  const std::string text = config.Text();
  for (const char* kept : {"\"zeta\"", "\"x\": null", "\"email\": \"e\"", "\"A\": \"ä\"",
                           "12345678901234567890", "\"psFormat\": \"table\""}) {
    EXPECT_THAT(text, HasSubstr(kept));
  }
  EXPECT_LT(text.find("zeta"), text.find("auths"));  // in the order in which it stood
  EXPECT_EQ(MustFind(text, "r.example").secret, "word");
  EXPECT_EQ(MustFind(text, "b").user, "x");
}

TEST(DockerConfig, HasOneEntryForAHost) {
  DockerConfig config =
      MustParse(R"({"auths": {"https://h/v1/": {"auth": "eDp5"}, "h": {"auth": "eDp5"}}})");
  config.Set("h", "me", "word");
  EXPECT_EQ(MustFind(config.Text(), "h").user, "me");
  EXPECT_TRUE(config.Remove("h"));
  EXPECT_FALSE(config.Find("h")->has_value());
}

TEST(DockerConfig, IsWrittenForItsOwnerOnlyAndThroughASymlink) {
  const TestDirectory directory;
  const std::string place = directory.Path("docker");
  DockerConfig config;
  config.Set("h", "me", "word");
  ASSERT_THAT(config.Write(place), IsOk());
  struct stat info;
  ASSERT_EQ(::stat((place + "/config.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(place.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  EXPECT_EQ((*DockerConfig::Read(place)->Find("h"))->secret, "word");
  ASSERT_EQ(::mkdir(directory.Path("other").c_str(), 0700), 0);
  ASSERT_EQ(
      ::symlink((place + "/config.json").c_str(), directory.Path("other/config.json").c_str()), 0);
  config.Set("h", "me", "new");
  ASSERT_THAT(config.Write(directory.Path("other")), IsOk());
  EXPECT_EQ((*DockerConfig::Read(place)->Find("h"))->secret, "new");
  ASSERT_EQ(::lstat(directory.Path("other/config.json").c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
}

TEST(DockerConfig, ThatIsAbsentOrEmptyIsEmpty) {
  const TestDirectory directory;
  EXPECT_FALSE(DockerConfig::Read("")->Find("h")->has_value());
  EXPECT_FALSE(DockerConfig::Read(directory.path())->Find("h")->has_value());
  ASSERT_THAT(WriteFileAtomically(directory.fd(), "config.json", "\n", Durability::kVolatile),
              IsOk());
  EXPECT_THAT(DockerConfig::Read(directory.path()), IsOk());
}

TEST(DockerServerName, IsTheHostButForDockersOwn) {
  EXPECT_EQ(DockerServerName("docker.io"), "https://index.docker.io/v1/");
  EXPECT_EQ(DockerServerName("r.example:5000"), "r.example:5000");
  EXPECT_EQ(HostOfServerName("https://R.example:5000/v1/"), "r.example:5000");
  EXPECT_EQ(HostOfServerName("registry-1.docker.io"), "docker.io");
}

TEST(HelperAnswer, IsAPasswordOrAToken) {
  const Result<Credential> password =
      ParseHelperAnswer(R"({"ServerURL": "h", "Username": "me", "Secret": "word"})");
  ASSERT_THAT(password, IsOk());
  EXPECT_EQ(password->kind, Kind::kPassword);
  EXPECT_EQ(password->secret, "word");
  EXPECT_EQ(ParseHelperAnswer(R"({"Username": "<token>", "Secret": "t"})")->kind,
            Kind::kRefreshToken);
  for (const char* bad :
       {"", "x", "[]", "{}", R"({"Username": "me"})", R"({"Username": 7, "Secret": "secret"})"}) {
    const Result<Credential> answer = ParseHelperAnswer(bad);
    EXPECT_THAT(answer, HasCode(ErrorCode::kCorrupt)) << bad;
    EXPECT_THAT(answer.error().message(), Not(HasSubstr("secret\"")));
  }
}

}  // namespace
}  // namespace boxlite
