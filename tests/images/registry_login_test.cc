// Login, logout, and the credentials that docker left.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "boxlite/base/base64.h"
#include "boxlite/base/testing.h"
#include "boxlite/registry/docker_config.h"
#include "boxlite/registry/login.h"
#include "images/registry_testing.h"

namespace boxlite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string BasicOf(const std::string& user, const std::string& password) {
  return "Basic " + Base64Encode(user + ":" + password);
}

// A registry that takes "me" with "word", a directory for docker's configuration, and one of
// programs that is first on PATH.
class RegistryLogin : public ::testing::Test {
 protected:
  RegistryLogin()
      : server_([](const ServerRequest& request, ServerConnection& connection) {
          if (request.Header("authorization") == BasicOf("me", "word")) {
            return SmallRegistry().Answer(request, connection);
          }
          connection.Respond(401, "", {{"WWW-Authenticate", "Basic realm=x"}});
        }),
        options_(PlainOptions(server_.host())),
        path_("PATH", programs_.path() + ":/usr/bin:/bin") {
    options_.docker_config = docker_.path();
  }

  Status LogIn(const std::string& password = "word") {
    return Login(options_, {server_.host(), "me", password});
  }
  Status Fetch() {
    const Result<FetchedManifest> manifest =
        MakeClient(options_)->FetchManifest(MustParse(server_.host() + "/r:1"));
    return manifest.ok() ? Status() : Status(manifest.error());
  }
  void WriteConfig(const std::string& text) {
    BOXLITE_CHECK(
        WriteFileAtomically(docker_.fd(), "config.json", text, Durability::kVolatile).ok());
  }
  std::string Config() const {
    return ReadFileIfExists(docker_.fd(), "config.json", 100'000)->value_or("(absent)");
  }
  // docker-credential-box: keeps one credential in a file, and writes down what it was asked.
  void MakeHelper() {
    const std::string kept = programs_.Path("kept");
    const std::string script = "#!/bin/sh\ncd " + programs_.path() + R"(
echo "$1" >> asked
case $1 in
get) read -r server; echo "$server" >> asked
     if [ -e kept ]; then cat kept; else echo 'credentials not found in native keychain'; exit 1; fi;;
store) cat > kept;;
erase) cat > /dev/null; rm -f kept;;
esac
)";
    BOXLITE_CHECK(
        WriteFileAtomically(programs_.fd(), "docker-credential-box", script, Durability::kVolatile)
            .ok());
    BOXLITE_CHECK(::chmod(programs_.Path("docker-credential-box").c_str(), 0700) == 0);
  }
  std::string Asked() const { return *ReadFile(programs_.fd(), "asked", 100'000); }

  HttpServer server_;
  TestDirectory docker_;
  TestDirectory programs_;
  RegistryOptions options_;
  ScopedVariable path_;
};

TEST_F(RegistryLogin, StoresWhatTheRegistryTakesAndLogoutForgetsIt) {
  WriteConfig(R"({"psFormat": "table", "auths": {"other": {"auth": "eDp5"}}})");
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kPermissionDenied));
  ASSERT_THAT(LogIn(), IsOk());
  EXPECT_THAT(Fetch(), IsOk());
  EXPECT_THAT(Config(),
              AllOf(HasSubstr("psFormat"), HasSubstr("other"), HasSubstr(Base64Encode("me:word"))));
  struct stat info;
  ASSERT_EQ(::stat(docker_.Path("config.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_TRUE(*Logout(options_, server_.host()));
  EXPECT_FALSE(*Logout(options_, server_.host()));
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Config(), AllOf(HasSubstr("psFormat"), HasSubstr("other"),
                              Not(HasSubstr(Base64Encode("me:word")))));
}

TEST_F(RegistryLogin, ChangesNothingWhenTheRegistryRefuses) {
  ASSERT_THAT(LogIn(), IsOk());
  const std::string before = Config();
  const Status refused = LogIn("wrong-word");
  EXPECT_THAT(refused, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(refused.error().message(),
              AllOf(HasSubstr(server_.host()), Not(HasSubstr("wrong-word"))));
  EXPECT_EQ(Config(), before);
}

TEST_F(RegistryLogin, SendsNothingWhenItCouldNotStoreIt) {
  WriteConfig("no json");
  EXPECT_THAT(LogIn(), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_EQ(server_.requests().size(), 0U);
  EXPECT_EQ(Config(), "no json");
}

TEST_F(RegistryLogin, RefusesWhatNoRegistryCouldRead) {
  EXPECT_THAT(LogIn(""), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(LogIn("a\nb"), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Login(options_, {server_.host(), "m:e", "x"}), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Login(options_, {"https://h", "me", "x"}), HasCode(ErrorCode::kInvalidArgument));
  options_.docker_config.clear();
  EXPECT_THAT(LogIn(), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_EQ(server_.requests().size(), 0U);
}

TEST_F(RegistryLogin, AtSomethingElseSaysThatItIsNoRegistry) {
  HttpServer web([](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(404, "<html>");
  });
  options_.config.registries.push_back(PlainOptions(web.host()).config.registries[0]);
  const Status refused = Login(options_, {web.host(), "me", "word"});
  EXPECT_THAT(refused, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(refused.error().message(), HasSubstr("no registry"));
  EXPECT_FALSE(web.Saw("uthorization"));
}

TEST_F(RegistryLogin, ByTokenAsksForNoScope) {
  HttpServer tokens([](const ServerRequest& request, ServerConnection& connection) {
    const bool right = request.Header("authorization") == BasicOf("me", "word");
    connection.Respond(right ? 200 : 401, R"({"token":"abc"})");
  });
  HttpServer server([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.Header("authorization") == "Bearer abc") return connection.Respond(200, "{}");
    connection.Respond(
        401, "", {{"WWW-Authenticate", "Bearer realm=\"" + tokens.url() + "/t\",service=\"s\""}});
  });
  options_.config.registries.push_back(PlainOptions(server.host()).config.registries[0]);
  EXPECT_THAT(Login(options_, {server.host(), "me", "word"}), IsOk());
  EXPECT_THAT(tokens.requests().at(0).target, Not(HasSubstr("scope")));
  EXPECT_THAT(Login(options_, {server.host(), "me", "wrong"}),
              HasCode(ErrorCode::kPermissionDenied));
}

TEST_F(RegistryLogin, KeepsThePasswordInTheHelperThatIsConfigured) {
  MakeHelper();
  WriteConfig(R"({"credsStore": "box"})");
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kPermissionDenied));  // it has none: nobody logged in
  ASSERT_THAT(LogIn(), IsOk());
  EXPECT_THAT(Config(), AllOf(HasSubstr("credsStore"), HasSubstr(server_.host()),
                              Not(HasSubstr(Base64Encode("me:word"))), Not(HasSubstr("word"))));
  EXPECT_THAT(Fetch(), IsOk());
  EXPECT_THAT(Asked(), AllOf(HasSubstr("store\n"), HasSubstr("get\n" + server_.host() + "\n")));
  EXPECT_TRUE(*Logout(options_, server_.host()));
  EXPECT_THAT(Asked(), HasSubstr("erase\n"));
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kPermissionDenied));
}

TEST_F(RegistryLogin, UsesTheHelperOfTheHostBeforeTheStore) {
  MakeHelper();
  WriteConfig(R"({"credsStore": "missing", "credHelpers": {")" + server_.host() + R"(": "box"}})");
  ASSERT_THAT(LogIn(), IsOk());
  EXPECT_THAT(Fetch(), IsOk());
}

TEST_F(RegistryLogin, NamesAHelperThatIsMissingFailsOrIsNone) {
  WriteConfig(R"({"credsStore": "missing"})");
  const Status missing = Fetch();
  EXPECT_THAT(missing, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(missing.error().message(), HasSubstr("docker-credential-missing"));
  WriteConfig(R"({"credsStore": "../../bin/sh"})");
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kInvalidArgument));
  MakeHelper();
  ASSERT_THAT(WriteFileAtomically(programs_.fd(), "kept", "not json", Durability::kVolatile),
              IsOk());
  WriteConfig(R"({"credsStore": "box"})");
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kCorrupt));
}

TEST_F(RegistryLogin, OfDockersConfigurationIsNotUsedWhereOursSaysAnonymous) {
  ASSERT_THAT(LogIn(), IsOk());
  options_.config.registries[0].auth = Credential();
  EXPECT_THAT(Fetch(), HasCode(ErrorCode::kPermissionDenied));
}

TEST_F(RegistryLogin, ThatIsPutIntoTheConfigurationIsUsedBeforeDockers) {
  WriteConfig(R"({"auths": {")" + server_.host() + R"(": {"auth": ")" + Base64Encode("me:old") +
              R"("}}})");
  options_.config.registries[0].auth = {Credential::Kind::kPassword, "me", "word"};
  EXPECT_THAT(Fetch(), IsOk());
}

TEST(DefaultDockerConfig, IsThatOfTheVariableElseInTheHome) {
  const ScopedVariable home("HOME", "/h");
  const ScopedVariable docker("DOCKER_CONFIG", "");
  EXPECT_EQ(DefaultDockerConfigDirectory(), "/h/.docker");
  const ScopedVariable other("DOCKER_CONFIG", "/d");
  EXPECT_EQ(DefaultDockerConfigDirectory(), "/d");
}

}  // namespace
}  // namespace boxlite
