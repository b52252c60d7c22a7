// Who is told which credential: the dances, and hosts that would like to have one.
#include <gmock/gmock.h>

#include <future>

#include "boxlite/base/base64.h"
#include "boxlite/base/testing.h"
#include "images/registry_testing.h"

namespace boxlite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kPassword = "the-pass-word";
const std::string kBasic = "Basic " + Base64Encode("me:" + kPassword);

Credential MyPassword() { return {Credential::Kind::kPassword, "me", kPassword}; }

Status FetchOne(const RegistryOptions& options) {
  const Result<FetchedManifest> manifest =
      MakeClient(options)->FetchManifest(MustParse(options.config.registries[0].host + "/r:1"));
  return manifest.ok() ? Status() : Status(manifest.error());
}

// Gives what `registry` has to whoever shows `header`, else 401 with `challenge`.
HttpServer::Handler Guarded(SmallRegistry registry, const std::string& header,
                            const std::string& challenge) {
  return [=](const ServerRequest& request, ServerConnection& connection) {
    if (request.Header("authorization") == header) return registry.Answer(request, connection);
    connection.Respond(401, R"({"errors":[{"code":"UNAUTHORIZED"}]})",
                       {{"WWW-Authenticate", challenge}});
  };
}

TEST(RegistryBasic, IsShownWhenItIsAskedFor) {
  HttpServer server(Guarded({}, kBasic, "Basic realm=\"x\""));
  RegistryOptions options = PlainOptions(server.host());
  options.config.registries[0].auth = MyPassword();
  const std::unique_ptr<RegistryClient> client = MakeClient(options);
  const Reference reference = MustParse(server.host() + "/r:1");
  EXPECT_THAT(client->FetchManifest(reference), IsOk());
  EXPECT_EQ(server.requests().at(0).Header("authorization"), "");
  EXPECT_EQ(server.requests().size(), 2U);
  // From then on at once.
  EXPECT_THAT(client->FetchManifest(reference), IsOk());
  EXPECT_EQ(server.requests().size(), 3U);
}

TEST(RegistryBasic, ThatIsWrongOrMissingSaysToLogIn) {
  HttpServer server(Guarded({}, "Basic other", "Basic realm=\"x\""));
  RegistryOptions options = PlainOptions(server.host());
  const Status missing = FetchOne(options);
  EXPECT_THAT(missing, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(missing.error().message(), HasSubstr("boxlite login " + server.host()));
  options.config.registries[0].auth = MyPassword();
  const Status wrong = FetchOne(options);
  EXPECT_THAT(wrong, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(wrong.error().message(), AllOf(HasSubstr("boxlite login " + server.host()),
                                             Not(HasSubstr(kPassword)), Not(HasSubstr(kBasic))));
  EXPECT_EQ(server.requests().size(), 3U);  // each refusal is final
}

TEST(RegistryBasic, IsNoMatchForAnUnknownScheme) {
  HttpServer server(Guarded({}, kBasic, "Negotiate abc=="));
  RegistryOptions options = PlainOptions(server.host());
  options.config.registries[0].auth = MyPassword();
  const Status refused = FetchOne(options);
  EXPECT_THAT(refused, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(refused.error().message(), HasSubstr("negotiate"));
  EXPECT_FALSE(server.Saw("Basic"));
}

TEST(RegistryToken, OfTheConfigurationIsShownAsItIs) {
  HttpServer server(Guarded({}, "Bearer abc.def", "Bearer realm=\"http://127.0.0.1:1/\""));
  RegistryOptions options = PlainOptions(server.host());
  options.config.registries[0].auth = {Credential::Kind::kRegistryToken, "", "abc.def"};
  EXPECT_THAT(FetchOne(options), IsOk());
  options.config.registries[0].auth->secret = "old";
  EXPECT_THAT(FetchOne(options), HasCode(ErrorCode::kPermissionDenied));
}

// A registry that takes tokens of `tokens`, which gives "token-1", "token-2", ...
struct Dance {
  explicit Dance(HttpServer::Handler answer_token)
      : tokens(std::move(answer_token)),
        registry([this](const ServerRequest& request, ServerConnection& connection) {
          const std::string shown = request.Header("authorization");
          if (shown == "Bearer token-" + std::to_string(valid.load())) {
            return content.Answer(request, connection);
          }
          connection.Respond(401, "",
                             {{"WWW-Authenticate",
                               "Bearer realm=\"" + tokens.url() +
                                   "/token?x=y\",service=\"the registry\",scope=\"evil:push\""}});
        }) {}

  SmallRegistry content;
  std::atomic<int> valid = 1;
  HttpServer tokens;
  HttpServer registry;
};

HttpServer::Handler Give(const std::string& body, int status = 200) {
  return
      [=](const ServerRequest&, ServerConnection& connection) { connection.Respond(status, body); };
}

TEST(RegistryToken, IsFetchedWithTheScopeOfThePullAndKept) {
  Dance dance(Give(R"({"token":"token-1"})"));
  const std::string blob = SomeBytes(1000);
  dance.content.Add(blob);
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(dance.registry.host()));
  const std::string name = dance.registry.host() + "/r";
  EXPECT_THAT(client->FetchManifest(MustParse(name + ":1")), IsOk());
  std::vector<std::future<bool>> blobs;
  blobs.reserve(4);
  for (int i = 0; i < 4; ++i) {
    blobs.push_back(
        std::async(std::launch::async, [&] { return FetchWhole(*client, name, blob).ok(); }));
  }
  for (std::future<bool>& got : blobs) EXPECT_TRUE(got.get());
  ASSERT_EQ(dance.tokens.requests().size(), 1U);
  const ServerRequest request = dance.tokens.requests()[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/token?x=y&service=the%20registry&scope=repository%3Ar%3Apull");
  EXPECT_EQ(request.Header("authorization"), "");
}

TEST(RegistryToken, IsFetchedByThePassword) {
  Dance dance([](const ServerRequest& request, ServerConnection& connection) {
    const bool right = request.Header("authorization") == kBasic;
    connection.Respond(right ? 200 : 401,
                       right ? R"({"access_token":"token-1"})" : R"({"details":"who are you"})");
  });
  RegistryOptions options = PlainOptions(dance.registry.host());
  options.config.registries[0].auth = MyPassword();
  EXPECT_THAT(FetchOne(options), IsOk());
  EXPECT_THAT(dance.tokens.requests()[0].target, HasSubstr("account=me"));
  // The password is for the token server; the registry has the token.
  EXPECT_FALSE(dance.registry.Saw("Basic"));
  options.config.registries[0].auth->secret = "wrong";
  const Status wrong = FetchOne(options);
  EXPECT_THAT(wrong, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(wrong.error().message(),
              AllOf(HasSubstr("who are you"), HasSubstr("boxlite login"), Not(HasSubstr("wrong"))));
}

TEST(RegistryToken, IsFetchedByARefreshTokenInTheBody) {
  Dance dance(Give(R"({"access_token":"token-1"})"));
  RegistryOptions options = PlainOptions(dance.registry.host());
  options.config.registries[0].auth = {Credential::Kind::kRefreshToken, "", "re&fresh"};
  EXPECT_THAT(FetchOne(options), IsOk());
  const ServerRequest request = dance.tokens.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_THAT(request.body,
              AllOf(HasSubstr("grant_type=refresh_token"), HasSubstr("refresh_token=re%26fresh"),
                    HasSubstr("scope=repository%3Ar%3Apull"), HasSubstr("service=the%20registry")));
  EXPECT_THAT(request.target, Not(HasSubstr("fresh")));
}

TEST(RegistryToken, ThatEndsDuringThePullIsRenewed) {
  std::atomic<int> given = 0;
  Dance dance([&](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(200, "{\"token\":\"token-" + std::to_string(++given) + "\"}");
  });
  const std::string blob = SomeBytes(1000);
  dance.content.Add(blob);
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(dance.registry.host()));
  const std::string name = dance.registry.host() + "/r";
  EXPECT_THAT(client->FetchManifest(MustParse(name + ":1")), IsOk());
  dance.valid = 2;
  EXPECT_EQ(*FetchWhole(*client, name, blob), blob);
  EXPECT_EQ(dance.tokens.requests().size(), 2U);
}

TEST(RegistryToken, IsRenewedWhenItsLifetimeIsOver) {
  Dance dance(Give(R"({"token":"token-1","expires_in":1})"));
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(dance.registry.host()));
  const Reference reference = MustParse(dance.registry.host() + "/r:1");
  EXPECT_THAT(client->FetchManifest(reference), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));  // its lifetime
  EXPECT_THAT(client->FetchManifest(reference), IsOk());
  EXPECT_EQ(dance.tokens.requests().size(), 2U);
  EXPECT_EQ(dance.registry.requests().size(), 4U);  // it was not shown once more
}

TEST(RegistryToken, ThatTheRegistryDoesNotTakeIsNoReasonToGoOn) {
  Dance dance(Give(R"({"token":"another"})"));
  const Status refused = FetchOne(PlainOptions(dance.registry.host()));
  EXPECT_THAT(refused, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(refused.error().message(), HasSubstr("no such image, or no right to see it"));
  EXPECT_EQ(dance.registry.requests().size(), 2U);
  EXPECT_EQ(dance.tokens.requests().size(), 1U);
}

TEST(RegistryToken, ThatNoHeaderCanHaveIsCorrupt) {
  for (const char* body :
       {"{}", "[]", "", "{\"token\":7}", "{\"token\":\"a\\r\\nX-Evil: 1\"}", "{\"token\":\"\"}"}) {
    Dance dance(Give(body));
    EXPECT_THAT(FetchOne(PlainOptions(dance.registry.host())), HasCode(ErrorCode::kCorrupt))
        << body;
    EXPECT_FALSE(dance.registry.Saw("X-Evil"));
  }
  Dance endless([](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (connection.Send(std::string(10'000, ' '))) {
    }
    connection.CutAfterwards();
  });
  EXPECT_THAT(FetchOne(PlainOptions(endless.registry.host())), HasCode(ErrorCode::kCorrupt));
}

TEST(RegistryToken, IsNotAskedForWithoutTlsWhereTheRegistryHasIt) {
  const Certificate certificate;
  HttpServer tokens(Give(R"({"token":"token-1"})"));
  HttpServer server(Guarded({}, "Bearer token-1", "Bearer realm=\"" + tokens.url() + "/token\""),
                    &certificate);
  RegistryOptions options = TlsOptions(server.host(), certificate);
  options.config.registries[0].auth = MyPassword();
  const Status refused = FetchOne(options);
  EXPECT_THAT(refused, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(refused.error().message(), HasSubstr("without TLS"));
  EXPECT_EQ(tokens.requests().size(), 0U);
}

TEST(RegistryToken, IsNotAskedForAtATokenServerThatNobodyVouchesFor) {
  const Certificate certificate;
  const Certificate stranger;
  HttpServer tokens(Give(R"({"token":"token-1"})"), &stranger);
  HttpServer server(Guarded({}, "Bearer token-1", "Bearer realm=\"" + tokens.url() + "/token\""),
                    &certificate);
  RegistryOptions options = TlsOptions(server.host(), certificate);
  options.config.registries[0].auth = MyPassword();
  EXPECT_THAT(FetchOne(options), HasCode(ErrorCode::kPermissionDenied));
  EXPECT_EQ(tokens.requests().size(), 0U);
  // With an entry of its own it is.
  RegistryEntry entry;
  entry.host = tokens.host();
  entry.ca_file = stranger.certificate_path();
  options.config.registries.push_back(entry);
  EXPECT_THAT(FetchOne(options), IsOk());
}

// A registry with a password that sends its blobs' readers to `target` + path.
HttpServer::Handler Sending(const std::string& target) {
  return [=](const ServerRequest& request, ServerConnection& connection) {
    if (request.Header("authorization") != kBasic) {
      return connection.Respond(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
    }
    connection.Respond(307, "", {{"Location", target + request.target}});
  };
}

Result<std::string> FetchGuarded(const RegistryOptions& options, const std::string& blob) {
  RegistryOptions with = options;
  with.config.registries[0].auth = MyPassword();
  return FetchWhole(*MakeClient(with), with.config.registries[0].host + "/r", blob);
}

TEST(RegistryRedirect, TakesNoCredentialToAnotherPort) {
  const std::string blob = SomeBytes(1000);
  SmallRegistry storage;
  storage.Add(blob);
  HttpServer other([&](const ServerRequest& request, ServerConnection& connection) {
    storage.Answer(request, connection);
  });
  HttpServer server(Sending(other.url()));
  EXPECT_EQ(*FetchGuarded(PlainOptions(server.host()), blob), blob);
  EXPECT_EQ(other.requests().size(), 1U);
  EXPECT_FALSE(other.Saw("uthorization"));
  EXPECT_FALSE(other.Saw(kBasic));
}

TEST(RegistryRedirect, TakesNoCredentialToAnotherNameOrScheme) {
  const std::string blob = SomeBytes(1000);
  const Certificate certificate;
  HttpServer other(
      [&](const ServerRequest&, ServerConnection& connection) { connection.Respond(200, blob); },
      &certificate);
  // Another name of the same address, and TLS instead of none.
  HttpServer server(Sending("https://localhost:" + std::to_string(other.port())));
  RegistryOptions options = PlainOptions(server.host());
  RegistryEntry entry;
  entry.host = "localhost:" + std::to_string(other.port());
  entry.ca_file = certificate.certificate_path();
  // What is known of that host stays at home as well: nobody asked for it by name.
  entry.auth = {Credential::Kind::kPassword, "me", "for-the-storage"};
  options.config.registries.push_back(entry);
  EXPECT_EQ(*FetchGuarded(options, blob), blob);
  EXPECT_FALSE(other.Saw("uthorization"));
}

TEST(RegistryRedirect, GivesNoCredentialToWhoeverItLeadsTo) {
  HttpServer other([](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
  });
  HttpServer server(Sending(other.url()));
  EXPECT_THAT(FetchGuarded(PlainOptions(server.host()), "x"),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_EQ(other.requests().size(), 1U);
  EXPECT_FALSE(other.Saw("uthorization"));
}

TEST(RegistryRedirect, LetsNobodyElseNameTheTokenServer) {
  HttpServer thief(Give(R"({"token":"token-1"})"));
  HttpServer other([&](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(
        401, "",
        {{"WWW-Authenticate", "Bearer realm=\"" + thief.url() + "/token\",service=\"s\""}});
  });
  // Without a word about who we are: nothing is known yet that could be shown.
  HttpServer server([&](const ServerRequest& request, ServerConnection& connection) {
    connection.Respond(307, "", {{"Location", other.url() + request.target}});
  });
  EXPECT_THAT(FetchGuarded(PlainOptions(server.host()), "x"),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_EQ(other.requests().size(), 1U);
  EXPECT_EQ(thief.requests().size(), 0U);
}

TEST(RegistryRedirect, DoesNotBringACredentialBack) {
  std::string home;
  HttpServer other([&](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(302, "", {{"Location", home + "/stolen"}});
  });
  HttpServer server(Sending(other.url()));
  home = server.url();
  EXPECT_FALSE(FetchGuarded(PlainOptions(server.host()), "x").ok());
  for (const ServerRequest& request : server.requests()) {
    if (request.path() != "/stolen") continue;
    EXPECT_EQ(request.Header("authorization"), "");
  }
  EXPECT_EQ(server.Count("/stolen"), 1U);
}

TEST(RegistryRedirect, KeepsTheCredentialAtHome) {
  const std::string blob = SomeBytes(1000);
  HttpServer server([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.Header("authorization") != kBasic) {
      return connection.Respond(401, "", {{"WWW-Authenticate", "Basic realm=\"x\""}});
    }
    if (request.path() == "/other/place") return connection.Respond(200, blob);
    connection.Respond(308, "", {{"Location", "../../../other/place?signed=1"}});
  });
  EXPECT_EQ(*FetchGuarded(PlainOptions(server.host()), blob), blob);
}

TEST(RegistryRedirect, IsNotFollowedOutOfTls) {
  const Certificate certificate;
  HttpServer other(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(200, "x"); });
  HttpServer server(Sending(other.url()), &certificate);
  const Result<std::string> blob = FetchGuarded(TlsOptions(server.host(), certificate), "x");
  EXPECT_THAT(blob, HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(blob.error().message(), HasSubstr("plain http"));
  EXPECT_EQ(other.requests().size(), 0U);
}

TEST(RegistryRedirect, IsNotFollowedForEverOrToNowhere) {
  for (const char* location :
       {"/again", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://me:word@127.0.0.1:1/",
        "http://", "http://a b/", "gopher://127.0.0.1:1/x", "http://127.0.0.1:99999/"}) {
    HttpServer server([&](const ServerRequest&, ServerConnection& connection) {
      connection.Respond(301, "", {{"Location", location}});
    });
    EXPECT_THAT(FetchOne(PlainOptions(server.host())), HasCode(ErrorCode::kUnsupported))
        << location;
    EXPECT_LE(server.requests().size(), 6U);
  }
  HttpServer nowhere(
      [&](const ServerRequest&, ServerConnection& connection) { connection.Respond(302); });
  EXPECT_THAT(FetchOne(PlainOptions(nowhere.host())), HasCode(ErrorCode::kUnsupported));
}

TEST(RegistryRedirect, OfTheTokenServerTakesNoPasswordAlong) {
  HttpServer thief(Give(R"({"token":"token-1"})"));
  Dance dance([&](const ServerRequest& request, ServerConnection& connection) {
    connection.Respond(302, "", {{"Location", thief.url() + request.target}});
  });
  RegistryOptions options = PlainOptions(dance.registry.host());
  options.config.registries[0].auth = MyPassword();
  static_cast<void>(FetchOne(options));
  EXPECT_FALSE(thief.Saw("Basic"));
  options.config.registries[0].auth = {Credential::Kind::kRefreshToken, "", "refresh"};
  EXPECT_FALSE(FetchOne(options).ok());
  EXPECT_FALSE(thief.Saw("refresh"));
}

}  // namespace
}  // namespace boxlite
