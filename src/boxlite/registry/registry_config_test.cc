#include "boxlite/registry/registry_config.h"

#include <gmock/gmock.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<RegistryConfig> Parse(const std::string& text) {
  return ParseRegistryConfig(text, "/etc/registries.json");
}

TEST(RegistryConfig, HasADefaultForEveryHost) {
  const RegistryConfig config;
  const RegistryEntry entry = config.For("localhost:5000");
  EXPECT_EQ(entry.host, "localhost:5000");
  EXPECT_EQ(entry.transport, Transport::kHttps);
  EXPECT_FALSE(entry.skip_verify);
  EXPECT_EQ(entry.auth, std::nullopt);
  EXPECT_THAT(config.SearchOrder(), ElementsAre("docker.io"));
}

TEST(RegistryConfig, IsReadWhole) {
  const Result<RegistryConfig> config = Parse(R"({"registries": [
    {"host": "R.example:5000", "search": true, "ca_file": "/ca.pem",
     "auth": {"type": "basic", "username": "me", "password": "word"},
     "mirrors": ["m.example", "n.example:1"]},
    {"host": "plain:80", "transport": "http", "auth": {"type": "bearer", "token": "abc"}},
    {"host": "index.docker.io", "search": true, "skip_verify": true,
     "auth": {"type": "anonymous"}}]})");
  ASSERT_THAT(config, IsOk());
  const RegistryEntry first = config->For("r.example:5000");
  EXPECT_EQ(first.ca_file, "/ca.pem");
  EXPECT_EQ(first.auth->kind, Credential::Kind::kPassword);
  EXPECT_EQ(first.auth->user, "me");
  EXPECT_EQ(first.auth->secret, "word");
  EXPECT_THAT(first.mirrors, ElementsAre("m.example", "n.example:1"));
  EXPECT_EQ(config->For("plain:80").transport, Transport::kHttp);
  EXPECT_EQ(config->For("plain:80").auth->kind, Credential::Kind::kRegistryToken);
  EXPECT_TRUE(config->For("docker.io").skip_verify);
  EXPECT_EQ(config->For("docker.io").auth->kind, Credential::Kind::kAnonymous);
  EXPECT_THAT(config->SearchOrder(), ElementsAre("r.example:5000", "docker.io"));
}

TEST(RegistryConfig, NamesTheKeyThatItDoesNotKnow) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"registry": []})", "'registry'"},
      {R"({"registries": [{"host": "h", "insecure": true}]})", "'insecure'"},
      {R"({"registries": [{"host": "h", "Host": "h"}]})", "'Host'"},
      {R"({"registries": [{"host": "h", "username": "me"}]})", "'username'"},
      {R"({"registries": [{"host": "h", "auth": {"type": "basic", "user": "me"}}]})", "'user'"},
      {R"({"registries": [{"host": "h", "auth": {"type": "anonymous", "token": "x"}}]})",
       "'token'"},
  };
  for (const auto& [text, key] : cases) {
    const Result<RegistryConfig> config = Parse(text);
    EXPECT_THAT(config, HasCode(ErrorCode::kInvalidArgument)) << text;
    EXPECT_THAT(config.error().message(), AllOf(HasSubstr(key), HasSubstr("/etc/registries.json")));
  }
}

TEST(RegistryConfig, RefusesWhatItCannotMean) {
  for (const char* bad : {
           "",
           "{",
           "[]",
           R"({"registries": {}})",
           R"({"registries": ["h"]})",
           R"({"registries": [{}]})",
           R"({"registries": [{"host": "https://h"}]})",
           R"({"registries": [{"host": "h/x"}]})",
           R"({"registries": [{"host": 7}]})",
           R"({"registries": [{"host": "h"}, {"host": "H"}]})",
           R"({"registries": [{"host": "h", "transport": "ftp"}]})",
           R"({"registries": [{"host": "h", "transport": "http", "skip_verify": true}]})",
           R"({"registries": [{"host": "h", "search": "yes"}]})",
           R"({"registries": [{"host": "h", "ca_file": "ca.pem"}]})",
           R"({"registries": [{"host": "h", "mirrors": "m"}]})",
           R"({"registries": [{"host": "h", "mirrors": ["m/x"]}]})",
           R"({"registries": [{"host": "h", "mirrors": [7]}]})",
           R"({"registries": [{"host": "h", "mirrors": ["H"]}]})",
           R"({"registries": [{"host": "h", "auth": "me"}]})",
           R"({"registries": [{"host": "h", "auth": {}}]})",
           R"({"registries": [{"host": "h", "auth": {"type": "basic", "username": "m"}}]})",
           R"({"registries": [{"host": "h", "auth": {"type": "bearer", "token": "a b"}}]})",
           R"({"registries": [{"host": "h", "auth": {"type": "digest"}}]})",
       }) {
    EXPECT_THAT(Parse(bad), HasCode(ErrorCode::kInvalidArgument)) << bad;
  }
  EXPECT_THAT(Parse(std::string(100'000, '[')), HasCode(ErrorCode::kInvalidArgument));
}

TEST(RegistryConfig, SearchesFirstWhatTheCommandLineNames) {
  RegistryConfig config =
      *Parse(R"({"registries": [{"host": "a", "search": true}, {"host": "b", "ca_file": "/b"}]})");
  EXPECT_THAT(config.AddSearched("b"), IsOk());
  EXPECT_THAT(config.SearchOrder(), ElementsAre("b", "a"));
  EXPECT_EQ(config.For("b").ca_file, "/b");
  EXPECT_THAT(config.AddSearched("https://c"), HasCode(ErrorCode::kInvalidArgument));
}

TEST(RegistryConfig, OfAHomeMayBeAbsentAndAnotherMayNot) {
  const TestDirectory home;
  EXPECT_THAT(ReadRegistryConfigOfHome(home.fd()), IsOk());
  EXPECT_THAT(ReadRegistryConfig(home.Path("registries.json")), HasCode(ErrorCode::kNotFound));
  ASSERT_THAT(WriteFileAtomically(home.fd(), "registries.json",
                                  R"({"registries": [{"host": "h", "search": true}]})",
                                  Durability::kVolatile),
              IsOk());
  EXPECT_THAT(ReadRegistryConfigOfHome(home.fd())->SearchOrder(), ElementsAre("h"));
  ASSERT_EQ(::symlinkat("registries.json", home.fd(), "link.json"), 0);
  EXPECT_THAT(ReadRegistryConfig(home.Path("link.json")), IsOk());
}

}  // namespace
}  // namespace boxlite
