// How a registry is reached: TLS and its authorities, proxies, mirrors, the search order.
#include <gmock/gmock.h>

#include "boxlite/base/base64.h"
#include "boxlite/base/testing.h"
#include "images/registry_testing.h"

namespace boxlite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

HttpServer::Handler Always(SmallRegistry registry) {
  return [registry](const ServerRequest& request, ServerConnection& connection) {
    registry.Answer(request, connection);
  };
}

Result<FetchedManifest> Fetch(const RegistryOptions& options, const std::string& name) {
  return MakeClient(options)->FetchManifest(MustParse(name));
}

TEST(RegistryTransport, IsTlsEvenOnLoopbackUnlessConfiguredOtherwise) {
  HttpServer server(Always({}));
  RegistryOptions options = PlainOptions(server.host());
  EXPECT_THAT(Fetch(options, server.host() + "/r:1"), IsOk());
  options.config.registries.clear();
  const Result<FetchedManifest> refused = Fetch(options, server.host() + "/r:1");
  EXPECT_THAT(refused, HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(refused.error().message(),
              AllOf(HasSubstr("speaks no TLS"), HasSubstr("registries.json")));
  EXPECT_EQ(server.requests().size(), 1U);
  // Of another host, the permission is another's.
  EXPECT_FALSE(Fetch(PlainOptions("localhost:1"), server.host() + "/r:1").ok());
}

TEST(RegistryTls, BelievesTheSystemsAuthoritiesAndThoseOfTheConfiguration) {
  const Certificate certificate;
  HttpServer server(Always({}), &certificate);
  const std::string name = server.host() + "/r:1";
  RegistryOptions options = TlsOptions(server.host(), certificate);
  EXPECT_THAT(Fetch(options, name), IsOk());
  RegistryEntry& entry = options.config.registries[0];
  entry.ca_file.clear();
  const Result<FetchedManifest> refused = Fetch(options, name);
  EXPECT_THAT(refused, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(refused.error().message(),
              AllOf(HasSubstr("nobody vouches"), HasSubstr(server.host()), HasSubstr("ca_file")));
  EXPECT_EQ(server.requests().size(), 1U);
  const Certificate other;
  entry.ca_file = other.certificate_path();
  EXPECT_THAT(Fetch(options, name), HasCode(ErrorCode::kPermissionDenied));
  entry.ca_file = "/no/such/file";
  EXPECT_THAT(Fetch(options, name), HasCode(ErrorCode::kInvalidArgument));
  entry.ca_file.clear();
  entry.skip_verify = true;
  EXPECT_THAT(Fetch(options, name), IsOk());
  entry.skip_verify = false;
  const ScopedVariable variable("SSL_CERT_FILE", certificate.certificate_path());
  EXPECT_THAT(Fetch(options, name), IsOk());
}

TEST(RegistryTls, BelievesACertificateForItsNameOnly) {
  const Certificate certificate("DNS:other.test");
  HttpServer server(Always({}), &certificate);
  EXPECT_THAT(Fetch(TlsOptions(server.host(), certificate), server.host() + "/r:1"),
              HasCode(ErrorCode::kPermissionDenied));
}

TEST(RegistryTls, OfOneHostIsNotTheOthers) {
  const Certificate certificate;
  HttpServer server(Always({}), &certificate);
  RegistryOptions options = TlsOptions(server.host(), certificate);
  options.config.registries[0].ca_file.clear();
  options.config.registries[0].skip_verify = true;
  EXPECT_THAT(Fetch(options, server.host() + "/r:1"), IsOk());
  // The same client, the same server, another name.
  const std::unique_ptr<RegistryClient> client = MakeClient(options);
  const std::string other = "localhost:" + std::to_string(server.port());
  EXPECT_THAT(client->FetchManifest(MustParse(server.host() + "/r:1")), IsOk());
  EXPECT_THAT(client->FetchManifest(MustParse(other + "/r:1")),
              HasCode(ErrorCode::kPermissionDenied));
}

TEST(RegistryProxy, OfTheEnvironmentIsUsed) {
  const SmallRegistry registry;
  HttpServer proxy([&](const ServerRequest& request, ServerConnection& connection) {
    ServerRequest inner = request;
    const std::string origin = "http://registry.test:5000";
    if (!inner.target.starts_with(origin)) return connection.Respond(400);
    inner.target.erase(0, origin.size());
    registry.Answer(inner, connection);
  });
  const RegistryOptions options = PlainOptions("registry.test:5000");
  for (const char* name : {"http_proxy", "HTTP_PROXY"}) {
    const ScopedVariable variable(name, proxy.url());
    EXPECT_THAT(Fetch(options, "registry.test:5000/r:1"), IsOk()) << name;
  }
  EXPECT_EQ(proxy.requests().size(), 2U);
  const ScopedVariable variable("HTTP_PROXY", proxy.url());
  const ScopedVariable none("NO_PROXY", "registry.test");
  EXPECT_THAT(Fetch(options, "registry.test:5000/r:1"), HasCode(ErrorCode::kUnavailable));
  EXPECT_EQ(proxy.requests().size(), 2U);
}

TEST(RegistryProxy, SeesNothingOfWhatGoesThroughTls) {
  const Certificate certificate;
  const std::string basic = "Basic " + Base64Encode("me:word");
  HttpServer server(
      [&](const ServerRequest& request, ServerConnection& connection) {
        if (request.Header("authorization") == basic) {
          return SmallRegistry().Answer(request, connection);
        }
        // So that the next request needs a tunnel of its own, when the credential is known.
        connection.Respond(401, "",
                           {{"WWW-Authenticate", "Basic realm=x"}, {"Connection", "close"}});
        connection.CloseAfterwards();
      },
      &certificate);
  HttpServer proxy([&](const ServerRequest& request, ServerConnection& connection) {
    if (request.method != "CONNECT") return connection.Respond(405);
    connection.Send("HTTP/1.1 200 Connected\r\nWWW-Authenticate: Basic realm=proxy\r\n\r\n");
    connection.TunnelTo(server.port());
    connection.CloseAfterwards();
  });
  const ScopedVariable variable("HTTPS_PROXY", proxy.url());
  RegistryOptions options = TlsOptions("registry.test", certificate);
  options.config.registries[0].auth = {Credential::Kind::kPassword, "me", "word"};
  EXPECT_THAT(Fetch(options, "registry.test/r:1"), IsOk());
  EXPECT_TRUE(server.Saw(basic));
  EXPECT_GE(proxy.requests().size(), 2U);
  EXPECT_EQ(proxy.requests()[0].target, "registry.test:443");
  EXPECT_FALSE(proxy.Saw("Basic"));
}

TEST(RegistryProxy, IsNotAskedForLoopback) {
  HttpServer proxy(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(502); });
  HttpServer server(Always({}));
  const ScopedVariable one("http_proxy", proxy.url());
  const ScopedVariable all("ALL_PROXY", proxy.url());
  EXPECT_THAT(Fetch(PlainOptions(server.host()), server.host() + "/r:1"), IsOk());
  const std::string name = "localhost:" + std::to_string(server.port());
  EXPECT_THAT(Fetch(PlainOptions(name), name + "/r:1"), IsOk());
  EXPECT_EQ(proxy.requests().size(), 0U);
}

// `options` for a host "registry.test" that cannot be reached, with these mirrors.
RegistryOptions Mirrored(const std::vector<const HttpServer*>& mirrors) {
  RegistryOptions options = PlainOptions("127.0.0.1:1");
  for (const HttpServer* mirror : mirrors) {
    options.config.registries[0].mirrors.push_back(mirror->host());
    options.config.registries.push_back(PlainOptions(mirror->host()).config.registries[0]);
  }
  return options;
}

TEST(RegistryMirror, IsAskedBeforeItsHost) {
  SmallRegistry registry;
  const std::string blob = SomeBytes(100'000);
  registry.Add(blob);
  HttpServer empty(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(404); });
  HttpServer full(Always(registry));
  const RegistryOptions options = Mirrored({&empty, &full});
  EXPECT_THAT(Fetch(options, "127.0.0.1:1/r:1"), IsOk());
  EXPECT_EQ(*FetchWhole(*MakeClient(options), "127.0.0.1:1/r", blob), blob);
  EXPECT_EQ(empty.requests().size(), 2U);
  EXPECT_EQ(full.requests().size(), 2U);
}

TEST(RegistryMirror, ThatFailsIsNamedAndDoesNotMatter) {
  HttpServer broken(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(403); });
  HttpServer server(Always({}));
  RegistryOptions options = PlainOptions(server.host());
  options.config.registries[0].mirrors = {broken.host()};
  options.config.registries.push_back(PlainOptions(broken.host()).config.registries[0]);
  EXPECT_THAT(Fetch(options, server.host() + "/r:1"), IsOk());
  const Result<FetchedManifest> absent = Fetch(options, server.host() + "/r:2");
  EXPECT_THAT(absent, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(absent.error().message(), HasSubstr("mirror " + broken.host()));
}

TEST(RegistryMirror, IsLeftInTheMiddleOfABlob) {
  SmallRegistry registry;
  const std::string blob = SomeBytes(1'000'000);
  registry.Add(blob);
  HttpServer cut([&](const ServerRequest& request, ServerConnection& connection) {
    if (!request.Header("range").empty()) return connection.Respond(404);
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + blob.substr(0, 500'000));
    connection.CutAfterwards();
  });
  HttpServer whole(Always(registry));
  EXPECT_TRUE(*FetchWhole(*MakeClient(Mirrored({&cut, &whole})), "127.0.0.1:1/r", blob) == blob);
}

TEST(RegistryMirror, HasNoCredentialButItsOwn) {
  HttpServer mirror([](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(401, "", {{"WWW-Authenticate", "Basic realm=x"}});
  });
  HttpServer server(Always({}));
  RegistryOptions options = PlainOptions(server.host());
  options.config.registries[0].mirrors = {mirror.host()};
  options.config.registries[0].auth = {Credential::Kind::kPassword, "me", "word"};
  options.config.registries.push_back(PlainOptions(mirror.host()).config.registries[0]);
  EXPECT_THAT(Fetch(options, server.host() + "/r:1"), IsOk());
  EXPECT_FALSE(mirror.Saw("uthorization"));
}

TEST(RegistrySearch, FindsANameAtTheFirstThatHasIt) {
  HttpServer without(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(404); });
  HttpServer with(Always({}));
  RegistryOptions options = PlainOptions(without.host());
  options.config.registries.push_back(PlainOptions(with.host()).config.registries[0]);
  for (RegistryEntry& entry : options.config.registries) entry.search = true;
  const std::unique_ptr<RegistryClient> client = MakeClient(options);
  const Result<Resolved> resolved = client->Resolve(MustParse("r:1"));
  ASSERT_THAT(resolved, IsOk());
  EXPECT_EQ(resolved->reference.Full(), with.host() + "/r:1");
  EXPECT_EQ(without.requests().size(), 1U);
  // A name with a host is looked for there alone.
  EXPECT_THAT(client->Resolve(MustParse(without.host() + "/r:1")), HasCode(ErrorCode::kNotFound));
  EXPECT_EQ(with.requests().size(), 1U);
  const Result<Resolved> nowhere = client->Resolve(MustParse("r:2"));
  EXPECT_THAT(nowhere, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(nowhere.error().message(), AllOf(HasSubstr(without.host()), HasSubstr(with.host())));
}

TEST(RegistrySearch, SaysNotThatThereIsNoneWhenOneDidNotAnswer) {
  HttpServer without(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(404); });
  RegistryOptions options = PlainOptions(without.host());
  options.config.registries.push_back(PlainOptions("127.0.0.1:1").config.registries[0]);
  for (RegistryEntry& entry : options.config.registries) entry.search = true;
  EXPECT_THAT(MakeClient(options)->Resolve(MustParse("r:1")), HasCode(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace boxlite
