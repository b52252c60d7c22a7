// Manifests and blobs over loopback: what is asked, what is believed, what is resumed.
#include <gmock/gmock.h>
#include <sys/eventfd.h>

#include <future>

#include "boxlite/base/interrupt.h"
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

// A server all of whose answers are `handler`'s, and a client for it.
class One {
 public:
  explicit One(HttpServer::Handler handler)
      : server(std::move(handler)),
        options(PlainOptions(server.host())),
        client(MakeClient(options)) {}

  Result<FetchedManifest> Manifest(const std::string& end = "r:1") {
    return client->FetchManifest(MustParse(server.host() + "/" + end));
  }
  Result<std::string> Blob(const std::string& bytes) {
    return FetchWhole(*client, server.host() + "/r", bytes);
  }

  HttpServer server;
  RegistryOptions options;
  std::unique_ptr<RegistryClient> client;
};

TEST(RegistryManifest, IsFetchedByTagAndByDigest) {
  const SmallRegistry registry;
  One one(Always(registry));
  const Digest digest = Sha256::Of(registry.manifest);
  for (const std::string& end :
       {std::string("r:1"), "r@" + digest.text(), "r:x@" + digest.text()}) {
    const Result<FetchedManifest> manifest = one.Manifest(end);
    ASSERT_THAT(manifest, IsOk()) << end;
    EXPECT_EQ(manifest->bytes, registry.manifest);
    EXPECT_EQ(manifest->media_type, registry.media_type);
    EXPECT_EQ(manifest->digest, digest);
  }
  const std::string accept = one.server.requests().front().Header("accept");
  for (const char* type :
       {"application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json"}) {
    EXPECT_THAT(accept, HasSubstr(type));
  }
}

TEST(RegistryManifest, MustBeWhatItsDigestsSay) {
  One liar([](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(200, "{}", {{"Docker-Content-Digest", Sha256::Of("other").text()}});
  });
  EXPECT_THAT(liar.Manifest(), HasCode(ErrorCode::kCorrupt));
  One nonsense([](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(200, "{}", {{"Docker-Content-Digest", "sha256:\x1b[31m"}});
  });
  const Result<FetchedManifest> manifest = nonsense.Manifest();
  EXPECT_THAT(manifest, HasCode(ErrorCode::kCorrupt));
  EXPECT_EQ(manifest.error().message().find('\x1b'), std::string::npos);
  One silent(
      [](const ServerRequest&, ServerConnection& connection) { connection.Respond(200, "{}"); });
  EXPECT_THAT(silent.Manifest(), IsOk());
  EXPECT_THAT(silent.Manifest("r@" + Sha256::Of("other").text()), HasCode(ErrorCode::kCorrupt));
}

TEST(RegistryManifest, EndsAtFourMebibytes) {
  constexpr std::size_t kLimit = 4 * 1024 * 1024;
  SmallRegistry large;
  large.manifest = std::string(kLimit, ' ');
  EXPECT_THAT(One(Always(large)).Manifest(), IsOk());
  large.manifest += ' ';
  EXPECT_THAT(One(Always(large)).Manifest(), HasCode(ErrorCode::kCorrupt));
  // Without a length, and without an end.
  std::atomic<std::size_t> sent = 0;
  One endless([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
    while (connection.Send(chunk)) sent += chunk.size();
    connection.CutAfterwards();
  });
  EXPECT_THAT(endless.Manifest(), HasCode(ErrorCode::kCorrupt));
  EXPECT_LT(sent, 4 * kLimit);
}

TEST(RegistryManifest, OfAnUnknownKindIsRefused) {
  SmallRegistry old;
  old.media_type = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  EXPECT_THAT(One(Always(old)).Manifest(), HasCode(ErrorCode::kUnsupported));
  old.media_type = "text/html; charset=utf-8";
  const Result<FetchedManifest> page = One(Always(old)).Manifest();
  EXPECT_THAT(page, HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(page.error().message(), HasSubstr("is it a registry?"));
  old.media_type = "application/json ; charset=utf-8";
  EXPECT_EQ(One(Always(old)).Manifest()->media_type, "application/json");
}

TEST(RegistryErrors, NameRegistryImageStatusAndRemedy) {
  const SmallRegistry registry;
  One one(Always(registry));
  const Result<FetchedManifest> absent = one.Manifest("gone:7");
  EXPECT_THAT(absent, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(absent.error().message(), AllOf(HasSubstr(one.server.host() + "/gone:7"),
                                              HasSubstr("HTTP 404"), HasSubstr("never heard of")));
  One forbidden([](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(403, "\x1b[2Jnothing");
  });
  const Result<FetchedManifest> denied = forbidden.Manifest();
  EXPECT_THAT(denied, HasCode(ErrorCode::kPermissionDenied));
  EXPECT_THAT(denied.error().message(),
              AllOf(HasSubstr("no such image, or no right to see it"), HasSubstr("HTTP 403"),
                    HasSubstr("boxlite login " + forbidden.server.host())));
  EXPECT_EQ(forbidden.server.requests().size(), 1U);
}

TEST(RegistryErrors, OfNobodyThereAreToldAfterAllAttempts) {
  std::string host;
  {
    HttpServer gone([](const ServerRequest&, ServerConnection&) {});
    host = gone.host();
  }
  const std::unique_ptr<RegistryClient> client = MakeClient(PlainOptions(host));
  const Result<FetchedManifest> manifest = client->FetchManifest(MustParse(host + "/r"));
  EXPECT_THAT(manifest, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(manifest.error().message(), HasSubstr(host));
}

TEST(RegistryRetry, TriesAgainAfterServerErrorsAndNotForEver) {
  const SmallRegistry registry;
  std::atomic<int> failures = 3;
  One one([&](const ServerRequest& request, ServerConnection& connection) {
    if (failures > 0) {
      --failures;
      return connection.Respond(failures == 1 ? 500 : 503);
    }
    registry.Answer(request, connection);
  });
  EXPECT_THAT(one.Manifest(), IsOk());
  EXPECT_EQ(one.server.requests().size(), 4U);
  failures = 1000;
  EXPECT_THAT(one.Manifest(), HasCode(ErrorCode::kUnavailable));
  EXPECT_EQ(one.server.requests().size(), 8U);
}

TEST(RegistryRetry, TriesAgainAfterACut) {
  const SmallRegistry registry;
  std::atomic<int> cuts = 2;
  One one([&](const ServerRequest& request, ServerConnection& connection) {
    if (cuts-- > 0) {
      if (cuts == 0) connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
      return connection.CutAfterwards();
    }
    registry.Answer(request, connection);
  });
  EXPECT_THAT(one.Manifest(), IsOk());
}

TEST(RegistryRetry, HonoursARateLimitWithinBounds) {
  const SmallRegistry registry;
  std::atomic<int> refusals = 1;
  std::string wish = "1";
  One one([&](const ServerRequest& request, ServerConnection& connection) {
    if (refusals-- > 0) return connection.Respond(429, "", {{"Retry-After", wish}});
    registry.Answer(request, connection);
  });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(one.Manifest(), IsOk());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(990));
  // Longer than anybody waits: told at once.
  wish = "3600";
  refusals = 1000;
  const Result<FetchedManifest> limited = one.Manifest();
  EXPECT_THAT(limited, HasCode(ErrorCode::kResourceExhausted));
  EXPECT_THAT(limited.error().message(),
              AllOf(HasSubstr("rate limit"), HasSubstr("3600 s"), HasSubstr(one.server.host())));
  EXPECT_EQ(one.server.requests().size(), 3U);
}

TEST(RegistryRetry, DoesNotWaitForASilentServer) {
  One one([](const ServerRequest&, ServerConnection& connection) { connection.WaitForPeer(); });
  EXPECT_THAT(one.Manifest(), HasCode(ErrorCode::kTimeout));
  EXPECT_EQ(one.server.requests().size(), 4U);
}

TEST(RegistryRetry, EndsAtAnInterrupt) {
  One one([](const ServerRequest&, ServerConnection& connection) { connection.WaitForPeer(); });
  RegistryOptions patient = one.options;
  patient.patience = Patience();
  const Fd event(::eventfd(1, EFD_CLOEXEC));
  const ScopedInterrupt interrupt(event.get());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(MakeClient(patient)->FetchManifest(MustParse(one.server.host() + "/r")),
              HasCode(ErrorCode::kUnavailable));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

TEST(RegistryAnswer, WithoutEndOfItsHeadersIsCutOff) {
  One one([](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\n");
    while (connection.Send("X-More: " + std::string(1000, 'x') + "\r\n")) {
    }
    connection.CutAfterwards();
  });
  EXPECT_THAT(one.Manifest(), HasCode(ErrorCode::kCorrupt));
  EXPECT_EQ(one.server.requests().size(), 1U);
}

TEST(RegistryAnswer, ThatIsNoHttpIsCorrupt) {
  One one([](const ServerRequest&, ServerConnection& connection) {
    connection.Send("SSH-2.0-OpenSSH_9\r\n");
    connection.CutAfterwards();
  });
  EXPECT_FALSE(one.Manifest().ok());
}

TEST(RegistryBlob, ComesWholeAndVerified) {
  SmallRegistry registry;
  const std::string large = SomeBytes(3'000'000);
  registry.Add(large);
  registry.Add("");
  One one(Always(registry));
  EXPECT_EQ(*one.Blob(large), large);
  EXPECT_EQ(*one.Blob(""), "");
  EXPECT_THAT(one.Blob("absent"), HasCode(ErrorCode::kNotFound));
}

TEST(RegistryBlob, WithOtherBytesOrAnotherSizeIsCorrupt) {
  const std::string blob = SomeBytes(100'000);
  std::string sent = blob;
  One one([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + sent);
    connection.CutAfterwards();
  });
  sent[5] ^= 1;
  One announced(
      [&](const ServerRequest&, ServerConnection& connection) { connection.Respond(200, sent); });
  EXPECT_THAT(announced.Blob(blob), HasCode(ErrorCode::kCorrupt));
  sent = blob + "x";
  const Result<std::string> longer = announced.Blob(blob);
  EXPECT_THAT(longer, HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(longer.error().message(), HasSubstr("announces 100001"));
  sent = blob.substr(1);
  EXPECT_THAT(announced.Blob(blob), HasCode(ErrorCode::kCorrupt));
  EXPECT_EQ(announced.server.requests().size(), 3U);
}

TEST(RegistryBlob, WithoutAnEndStopsAtItsSize) {
  std::atomic<std::size_t> sent = 0;
  One one([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, ' ') + "\r\n";
    while (connection.Send(chunk)) sent += chunk.size();
    connection.CutAfterwards();
  });
  const Result<std::string> blob = one.Blob(std::string(1'000'000, ' '));
  EXPECT_THAT(blob, HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(blob.error().message(), HasSubstr("beyond"));
  EXPECT_LT(sent, 20'000'000U);
}

// Gives `piece` bytes of what was asked for, then cuts the connection.
HttpServer::Handler Cutting(const std::string& blob, std::size_t piece, bool ranges) {
  return [=](const ServerRequest& request, ServerConnection& connection) {
    const std::string range = request.Header("range");
    const std::size_t from = range.empty() || !ranges ? 0 : std::stoul(range.substr(6));
    std::string head = from == 0
                           ? "HTTP/1.1 200 OK\r\n"
                           : "HTTP/1.1 206 Partial\r\nContent-Range: bytes " +
                                 std::to_string(from) + "-" + std::to_string(blob.size() - 1) +
                                 "/" + std::to_string(blob.size()) + "\r\n";
    head += "Content-Length: " + std::to_string(blob.size() - from) + "\r\n\r\n";
    connection.Send(head + blob.substr(from, piece));
    if (from + piece < blob.size()) connection.CutAfterwards();
  };
}

TEST(RegistryBlob, ThatIsCutIsResumedWhereItEnded) {
  const std::string blob = SomeBytes(5'000'000);
  One one(Cutting(blob, 600'000, /*ranges=*/true));
  EXPECT_TRUE(*one.Blob(blob) == blob);
  const std::vector<ServerRequest> requests = one.server.requests();
  // More cuts than attempts: each brought something.
  ASSERT_GT(requests.size(), 8U);
  std::size_t before = 0;
  for (std::size_t i = 1; i < requests.size(); ++i) {
    const std::string range = requests[i].Header("range");
    ASSERT_THAT(range, ::testing::StartsWith("bytes="));
    const std::size_t from = std::stoul(range.substr(6));
    EXPECT_GT(from, before);
    before = from;
  }
}

TEST(RegistryBlob, IsResumedAtARegistryWithoutRanges) {
  const std::string blob = SomeBytes(1'000'000);
  std::atomic<int> cuts = 2;
  One one([&](const ServerRequest& request, ServerConnection& connection) {
    const bool cut = cuts-- > 0;
    Cutting(blob, cut ? 300'000 : blob.size(), /*ranges=*/false)(request, connection);
  });
  EXPECT_TRUE(*one.Blob(blob) == blob);
  EXPECT_EQ(one.server.requests().size(), 3U);
}

TEST(RegistryBlob, ThatChangesWhileItIsResumedIsCorrupt) {
  const std::string blob = SomeBytes(1'000'000);
  std::string other = blob;
  other[700'000] ^= 1;
  std::atomic<bool> first = true;
  One one([&](const ServerRequest& request, ServerConnection& connection) {
    Cutting(first.exchange(false) ? blob : other, 600'000, /*ranges=*/true)(request, connection);
  });
  EXPECT_THAT(one.Blob(blob), HasCode(ErrorCode::kCorrupt));
}

TEST(RegistryBlob, RefusesAnotherPartThanItAskedFor) {
  const std::string blob = SomeBytes(1'000'000);
  for (const char* range :
       {"bytes 0-999999/1000000", "bytes 1-2/3", "lines 5-6/7", "", "bytes */5"}) {
    std::atomic<bool> first = true;
    One one([&](const ServerRequest& request, ServerConnection& connection) {
      if (first.exchange(false)) {
        return Cutting(blob, 600'000, /*ranges=*/true)(request, connection);
      }
      connection.Respond(206, blob.substr(0, 1000), {{"Content-Range", range}});
    });
    const Result<std::string> result = one.Blob(blob);
    EXPECT_THAT(result, HasCode(ErrorCode::kCorrupt)) << range;
    EXPECT_THAT(result.error().message(), HasSubstr("another part")) << range;
  }
  // And one that nobody asked for.
  One unasked([&](const ServerRequest&, ServerConnection& connection) {
    connection.Respond(206, blob, {{"Content-Range", "bytes 0-999999/1000000"}});
  });
  EXPECT_THAT(unasked.Blob(blob), HasCode(ErrorCode::kCorrupt));
}

TEST(RegistryBlob, ThatNeverComesFurtherIsGivenUp) {
  const std::string blob = SomeBytes(1'000'000);
  One one([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + blob.substr(0, 1000));
    connection.CutAfterwards();
  });
  const Result<std::string> result = one.Blob(blob);
  EXPECT_THAT(result, HasCode(ErrorCode::kUnavailable));
  EXPECT_EQ(one.server.requests().size(), 4U);
}

TEST(RegistryBlob, ThatStallsIsResumed) {
  const std::string blob = SomeBytes(1'000'000);
  std::atomic<int> stalls = 2;
  One one([&](const ServerRequest& request, ServerConnection& connection) {
    const bool stall = stalls-- > 0;
    if (!stall) return Cutting(blob, blob.size(), /*ranges=*/true)(request, connection);
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    if (stalls == 0) connection.Send(blob.substr(0, 500'000));
    connection.WaitForPeer();
    connection.CutAfterwards();
  });
  EXPECT_TRUE(*one.Blob(blob) == blob);
  EXPECT_EQ(one.server.requests().size(), 3U);
}

TEST(RegistryBlob, ThatTricklesIsGivenUp) {
  One one([&](const ServerRequest&, ServerConnection& connection) {
    connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    // Slowness is what this is about.
    while (connection.Send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    connection.CutAfterwards();
  });
  EXPECT_THAT(one.Blob(std::string(1'000'000, 'x')), HasCode(ErrorCode::kTimeout));
}

TEST(RegistryBlob, IsNotGivenUpByASlowReader) {
  SmallRegistry registry;
  const std::string blob = SomeBytes(8'000'000);
  registry.Add(blob);
  One one(Always(registry));
  // Enough for a server that shares its processor with others not to look stalled itself.
  one.options.patience.stall = std::chrono::milliseconds(1500);
  one.client = MakeClient(one.options);
  const Result<std::unique_ptr<ByteSource>> source =
      one.client->FetchBlob(MustParse(one.server.host() + "/r"), Sha256::Of(blob), blob.size(), "");
  ASSERT_THAT(source, IsOk());
  char byte;
  ASSERT_THAT((*source)->Read({&byte, 1}), IsOk());
  std::this_thread::sleep_for(one.options.patience.stall * 2);  // slow is what it is
  EXPECT_TRUE(*ReadWhole(**source) == blob.substr(1));
  EXPECT_EQ(one.server.requests().size(), 1U);
}

TEST(RegistryBlob, OfALayerThatRegistriesMayNotGiveIsUnsupported) {
  One one(Always({}));
  EXPECT_THAT(one.client->FetchBlob(MustParse("r"), Sha256::Of(""), 0,
                                    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
              HasCode(ErrorCode::kUnsupported));
}

TEST(RegistryBlob, ManyComeAtOnceOnManyThreads) {
  SmallRegistry registry;
  std::vector<std::string> blobs;
  for (std::size_t i = 0; i < 8; ++i) {
    blobs.push_back(SomeBytes(400'000 + i));
    registry.Add(blobs.back());
  }
  const Certificate certificate;
  HttpServer server(Always(registry), &certificate);
  const std::unique_ptr<RegistryClient> client = MakeClient(TlsOptions(server.host(), certificate));
  std::vector<std::future<bool>> results;
  results.reserve(blobs.size());
  for (const std::string& blob : blobs) {
    results.push_back(std::async(std::launch::async, [&] {
      const Result<std::string> got = FetchWhole(*client, server.host() + "/r", blob);
      return got.ok() && *got == blob;
    }));
  }
  for (std::future<bool>& result : results) EXPECT_TRUE(result.get());
}

}  // namespace
}  // namespace boxlite
