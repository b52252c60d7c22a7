// With Debian's docker-registry, and images that skopeo pushed: plain, TLS, passwords, tokens.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "boxlite/base/base64.h"
#include "boxlite/base/keyed_text.h"
#include "boxlite/base/spawn.h"
#include "boxlite/base/testing.h"
#include "boxlite/base/wall_clock.h"
#include "boxlite/registry/login.h"
#include "images/certificate.h"
#include "images/docker_registry.h"
#include "images/registry_testing.h"

namespace boxlite {
namespace {

using ::testing::HasSubstr;

class RealRegistry : public ::testing::Test {
 protected:
  RealRegistry() { manifest_ = MakeLayout(directory_.Path("layout"), layers_); }

  std::string layout() const { return directory_.Path("layout") + ":1"; }

  // Expects the image there as it is in the layout, or in docker's format.
  void ExpectImage(RegistryClient& client, const std::string& name, bool as_it_is = true) {
    const Result<FetchedManifest> manifest = client.FetchManifest(MustParse(name));
    ASSERT_THAT(manifest, IsOk());
    if (as_it_is) {
      EXPECT_EQ(manifest->bytes, manifest_);
      EXPECT_EQ(manifest->media_type, "application/vnd.oci.image.manifest.v1+json");
    } else {
      EXPECT_EQ(manifest->media_type, "application/vnd.docker.distribution.manifest.v2+json");
    }
    const Result<FetchedManifest> again =
        client.FetchManifest(MustParse(name).WithDigest(manifest->digest));
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->bytes, manifest->bytes);
    for (const std::string& layer : layers_) {
      if (!as_it_is) continue;  // skopeo compresses for docker's format
      const Result<std::string> blob = FetchWhole(client, name, layer);
      ASSERT_THAT(blob, IsOk());
      EXPECT_TRUE(*blob == layer);
    }
  }

  TestDirectory directory_;
  const std::vector<std::string> layers_ = {SomeBytes(3'000'000), SomeBytes(70'000)};
  std::string manifest_;
};

const std::vector<std::string> kAsItIs = {"--dest-tls-verify=false", "--preserve-digests"};

TEST_F(RealRegistry, GivesImagesOverPlainHttp) {
  DockerRegistry registry;
  ASSERT_THAT(registry.Push(layout(), "some/image:1", kAsItIs), IsOk());
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(registry.host()));
  const std::string name = registry.host() + "/some/image:1";
  ExpectImage(*client, name);
  ASSERT_THAT(
      registry.Push(layout(), "docker/image:1", {"--dest-tls-verify=false", "--format", "v2s2"}),
      IsOk());
  ExpectImage(*client, registry.host() + "/docker/image:1", /*as_it_is=*/false);
  EXPECT_THAT(client->FetchManifest(MustParse(registry.host() + "/some/image:2")),
              HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(FetchWhole(*client, name, "no such blob"), HasCode(ErrorCode::kNotFound));
}

TEST_F(RealRegistry, GivesTheRestOfABlob) {
  DockerRegistry registry;
  ASSERT_THAT(registry.Push(layout(), "r:1", kAsItIs), IsOk());
  // In front of it stands one that cuts each answer, and passes Range on: to see that the real
  // one's partial answers are understood.
  const std::unique_ptr<RegistryClient> direct = MakeClient(PlainOptions(registry.host()));
  std::atomic<int> partial = 0;
  HttpServer cutter([&](const ServerRequest& request, ServerConnection& connection) {
    const std::string range = request.Header("range");
    if (range.empty()) {
      connection.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(layers_[0].size()) +
                      "\r\n\r\n" + layers_[0].substr(0, 1'000'000));
      return connection.CutAfterwards();
    }
    ++partial;
    connection.Respond(307, "", {{"Location", "http://" + registry.host() + request.target}});
  });
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(cutter.host()));
  const Result<std::string> blob = FetchWhole(*client, cutter.host() + "/r", layers_[0]);
  ASSERT_THAT(blob, IsOk());
  EXPECT_TRUE(*blob == layers_[0]);
  EXPECT_EQ(partial, 1);
}

// The largest size that this process has had, in KiB.
std::size_t PeakKib() {
  const std::string status = *ReadFile(AT_FDCWD, "/proc/self/status", 100'000);
  return NumberOf(status, "VmHWM:").value_or(0);
}

TEST_F(RealRegistry, NeedsNoMemoryForALargeBlob) {
  constexpr std::size_t kPieces = 160;
  const std::string piece = SomeBytes(1'000'000);
  Sha256 sum;
  for (std::size_t i = 0; i < kPieces; ++i) sum.Update(piece);
  const Digest digest = sum.Finish();
  HttpServer server([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kPieces * piece.size()) +
                    "\r\n\r\n");
    for (std::size_t i = 0; i < kPieces; ++i) connection.Send(piece);
  });
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(server.host()));
  const Result<std::unique_ptr<ByteSource>> source =
      client->FetchBlob(MustParse(server.host() + "/r"), digest, kPieces * piece.size(), "");
  ASSERT_THAT(source, IsOk());
  const std::size_t before = PeakKib();
  ASSERT_GT(before, 0U);
  std::size_t seen = 0;
  std::vector<char> room(1000);
  for (;;) {
    const Result<std::size_t> count = (*source)->Read(room);
    ASSERT_THAT(count, IsOk());
    if (*count == 0) break;
    seen += *count;
  }
  EXPECT_EQ(seen, kPieces * piece.size());
  EXPECT_LT(PeakKib() - before, 4096U);
}

TEST_F(RealRegistry, WithTlsAndAPasswordIsUsedAfterALogin) {
  const Certificate certificate;
  const Result<std::string> hashed =
      RunProgram({"/usr/bin/htpasswd", "-Bbn", "-C", "4", "me", "word"});
  ASSERT_THAT(hashed, IsOk());
  ASSERT_THAT(WriteFileAtomically(directory_.fd(), "htpasswd", *hashed, Durability::kVolatile),
              IsOk());
  DockerRegistry registry(
      {"  tls:\n    certificate: " + certificate.certificate_path() +
           "\n    key: " + certificate.key_path() + "\n",
       "auth:\n  htpasswd:\n    realm: tests\n    path: " + directory_.Path("htpasswd") + "\n"});
  ASSERT_THAT(
      registry.Push(layout(), "r:1",
                    {"--dest-tls-verify=false", "--preserve-digests", "--dest-creds", "me:word"}),
      IsOk());
  RegistryOptions options = TlsOptions(registry.host(), certificate);
  options.docker_config = directory_.Path("docker");
  const std::string name = registry.host() + "/r:1";
  EXPECT_THAT(MakeClient(options)->FetchManifest(MustParse(name)),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Login(options, {registry.host(), "me", "wrong"}),
              HasCode(ErrorCode::kPermissionDenied));
  ASSERT_THAT(Login(options, {registry.host(), "me", "word"}), IsOk());
  ExpectImage(*MakeClient(options), name);
  // What we stored, other tools can use.
  const Result<std::string> inspected = RunProgram(
      {"/usr/bin/skopeo", "inspect", "--tls-verify=false", "--authfile",
       directory_.Path("docker/config.json"), "--format", "{{.Digest}}", "docker://" + name});
  ASSERT_THAT(inspected, IsOk());
  EXPECT_THAT(*inspected, HasSubstr(Sha256::Of(manifest_).text()));
  EXPECT_TRUE(*Logout(options, registry.host()));
  EXPECT_THAT(MakeClient(options)->FetchManifest(MustParse(name)),
              HasCode(ErrorCode::kPermissionDenied));
}

// A token server that signs what the scope asks for, for whoever may have it.
class TokenServer {
 public:
  explicit TokenServer(const Certificate& signer)
      : signer_(signer),
        server_([this](const ServerRequest& request, ServerConnection& connection) {
          Answer(request, connection);
        }) {}

  HttpServer& server() { return server_; }
  std::atomic<bool> anonymous = true;

 private:
  void Answer(const ServerRequest& request, ServerConnection& connection) {
    const bool known = request.Header("authorization") == "Basic " + Base64Encode("me:word");
    if (!known && !request.Header("authorization").empty()) return connection.Respond(401);
    std::string access;
    const std::size_t scope = request.target.find("scope=");
    if (scope != std::string::npos && (known || anonymous)) {
      // "repository:NAME:ACTIONS", escaped by each client in its own way.
      std::string text = request.target.substr(scope + 6);
      text = text.substr(0, text.find('&'));
      for (const auto& [escaped, plain] :
           {std::pair("%3A", ":"), std::pair("%2C", ","), std::pair("%2F", "/")}) {
        for (std::size_t at; (at = text.find(escaped)) != std::string::npos;) {
          text.replace(at, 3, plain);
        }
      }
      const std::size_t first = text.find(':');
      const std::size_t last = text.rfind(':');
      std::string actions = "\"" + text.substr(last + 1) + "\"";
      if (const std::size_t comma = actions.find(','); comma != std::string::npos) {
        actions.replace(comma, 1, "\",\"");
      }
      access = R"({"type":"repository","name":")" + text.substr(first + 1, last - first - 1) +
               R"(","actions":[)" + actions + "]}";
    }
    const std::int64_t now = WallClockNowNs() / 1'000'000'000;
    const std::string claims =
        R"({"iss":"tests","sub":"me","aud":"the registry","jti":"1","iat":)" + std::to_string(now) +
        ",\"nbf\":" + std::to_string(now - 60) + ",\"exp\":" + std::to_string(now + 300) +
        ",\"access\":[" + access + "]}";
    connection.Respond(200, "{\"token\":\"" + signer_.SignToken(claims) + "\"}");
  }

  const Certificate& signer_;
  HttpServer server_;
};

TEST_F(RealRegistry, IsUsedByTokensOfATokenServer) {
  const Certificate signer;
  TokenServer tokens(signer);
  DockerRegistry registry({"", "auth:\n  token:\n    realm: " + tokens.server().url() +
                                   "/token\n    service: the registry\n    issuer: tests\n"
                                   "    rootcertbundle: " +
                                   signer.certificate_path() + "\n"});
  ASSERT_THAT(
      registry.Push(layout(), "deep/r:1",
                    {"--dest-tls-verify=false", "--preserve-digests", "--dest-creds", "me:word"}),
      IsOk());
  const std::string name = registry.host() + "/deep/r:1";
  RegistryOptions options = PlainOptions(registry.host());
  options.docker_config = directory_.Path("docker");
  const std::size_t before = tokens.server().requests().size();
  ExpectImage(*MakeClient(options), name);
  EXPECT_EQ(tokens.server().requests().size(), before + 1);
  tokens.anonymous = false;
  EXPECT_THAT(MakeClient(options)->FetchManifest(MustParse(name)),
              HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Login(options, {registry.host(), "me", "wrong"}),
              HasCode(ErrorCode::kPermissionDenied));
  ASSERT_THAT(Login(options, {registry.host(), "me", "word"}), IsOk());
  ExpectImage(*MakeClient(options), name);
}

}  // namespace
}  // namespace boxlite
