#include "boxlite/oci/reference.h"

#include <gmock/gmock.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using ::testing::HasSubstr;

const std::string kHex(64, 'a');
const std::string kSum = "sha256:" + kHex;

TEST(Reference, AddsWhatDockerAdds) {
  const struct {
    const char* text;
    std::string full;
    std::string familiar;
  } cases[] = {
      {"debian", "docker.io/library/debian:latest", "debian:latest"},
      {"debian:12", "docker.io/library/debian:12", "debian:12"},
      {"me/app", "docker.io/me/app:latest", "me/app:latest"},
      {"a/b/c", "docker.io/a/b/c:latest", "a/b/c:latest"},
      {"library/debian", "docker.io/library/debian:latest", "debian:latest"},
      {"docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
      {"index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
      {"Docker.IO/debian", "docker.io/library/debian:latest", "debian:latest"},
      {"localhost/x", "localhost/x:latest", "localhost/x:latest"},
      {"localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"},
      {"LocalHost/x", "localhost/x:latest", "localhost/x:latest"},
      {"r.example/x", "r.example/x:latest", "r.example/x:latest"},
      {"R.Example:80/x", "r.example:80/x:latest", "r.example:80/x:latest"},
      {"host:5000/x/y.z_w__v---u", "host:5000/x/y.z_w__v---u:latest",
       "host:5000/x/y.z_w__v---u:latest"},
      {"127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest"},
      {"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
      {"[2001:DB8::1]/x", "[2001:db8::1]/x:latest", "[2001:db8::1]/x:latest"},
      {"x:Tag_1.2-3", "docker.io/library/x:Tag_1.2-3", "x:Tag_1.2-3"},
      // One word and a number is a tag, whatever it looks like.
      {"localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"},
      // Without its registry this would be read as one at a.b.
      {"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"},
  };
  for (const auto& [text, full, familiar] : cases) {
    const Result<Reference> reference = Reference::Parse(text);
    ASSERT_THAT(reference, IsOk()) << text;
    EXPECT_EQ(reference->Full(), full) << text;
    EXPECT_EQ(reference->Familiar(), familiar) << text;
    const Result<Reference> again = Reference::Parse(reference->Familiar());
    ASSERT_THAT(again, IsOk()) << text;
    EXPECT_EQ(again->Full(), full) << text;
  }
}

TEST(Reference, TakesADigestWithAndWithoutATag) {
  const Result<Reference> plain = Reference::Parse("x@" + kSum);
  ASSERT_THAT(plain, IsOk());
  EXPECT_EQ(plain->tag(), std::nullopt);
  EXPECT_EQ(plain->wanted(), kSum);
  EXPECT_EQ(plain->Full(), "docker.io/library/x@" + kSum);
  const Result<Reference> both = Reference::Parse("h:1/x:2@" + kSum);
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(both->tag(), "2");
  EXPECT_EQ(both->wanted(), kSum);
  EXPECT_EQ(both->Familiar(), "h:1/x:2@" + kSum);
  EXPECT_THAT(Reference::Parse("x@sha512:" + kHex + kHex), HasCode(ErrorCode::kUnsupported));
  for (const std::string& bad : {"x@" + kHex, "x@sha256:" + std::string(64, 'A'), std::string("x@"),
                                 "x@" + kSum + "@" + kSum, "x@" + kSum + ":1"}) {
    EXPECT_THAT(Reference::Parse(bad), HasCode(ErrorCode::kInvalidArgument)) << bad;
  }
}

TEST(Reference, RefusesWhatDockerRefuses) {
  for (const char* bad : {"",          ":1",         "/x",          "x/",
                          "x//y",      "-x",         "x-",          "x..y",
                          "x___y",     "x._y",       "x:",          "x:-1",
                          "x:.1",      "x:a b",      "a b",         "x\n",
                          "./x",       "../x",       "x/../y",      "h:0/x",
                          "h:65536/x", "h:123456/x", "h:/x",        "[::1/x",
                          "[]/x",      "[g::]/x",    "[::1]5000/x", "h.-a/x",
                          "-h.a/x",    "h..a/x",     ".h/x",        "https://r.example/x",
                          "h.a/",      "x@",         "a.b:c/d",     "user@r.example/x"}) {
    EXPECT_THAT(Reference::Parse(bad), HasCode(ErrorCode::kInvalidArgument)) << bad;
  }
  EXPECT_THAT(Reference::Parse(std::string("x\0y", 3)), HasCode(ErrorCode::kInvalidArgument));
}

TEST(Reference, HasBoundsOnLengths) {
  EXPECT_THAT(Reference::Parse("h:1/" + std::string(255, 'x')), IsOk());
  EXPECT_THAT(Reference::Parse("h:1/" + std::string(256, 'x')),
              HasCode(ErrorCode::kInvalidArgument));
  // "library/" counts.
  EXPECT_THAT(Reference::Parse(std::string(247, 'x')), IsOk());
  EXPECT_THAT(Reference::Parse(std::string(248, 'x')), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Reference::Parse("x:" + std::string(128, 't')), IsOk());
  EXPECT_THAT(Reference::Parse("x:" + std::string(129, 't')), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Reference::Parse(std::string(1'000'000, '/')), HasCode(ErrorCode::kInvalidArgument));
}

TEST(Reference, SaysWhatWouldBeRight) {
  EXPECT_THAT(Reference::Parse("r.example/Debian").error().message(), HasSubstr(": 'debian'"));
  EXPECT_THAT(Reference::Parse("Me/app").error().message(), HasSubstr("lower case"));
  EXPECT_THAT(Reference::Parse(kHex).error().message(), HasSubstr("@sha256:"));
  EXPECT_THAT(Reference::Parse("http://h/x").error().message(), HasSubstr("without a scheme"));
  EXPECT_EQ(Reference::Parse("x\x1b[2J").error().message().find('\x1b'), std::string::npos);
  // Only where it is the whole name is it an id.
  EXPECT_THAT(Reference::Parse(kHex + ":1"), IsOk());
  EXPECT_THAT(Reference::Parse(std::string(63, 'a')), IsOk());
}

TEST(Reference, OfNoRegistryIsFoundAnywhere) {
  const Result<Reference> plain = Reference::Parse("debian:12");
  ASSERT_THAT(plain, IsOk());
  EXPECT_FALSE(plain->qualified());
  EXPECT_EQ(plain->At("h:1").Full(), "h:1/debian:12");
  EXPECT_EQ(plain->At("docker.io").Full(), "docker.io/library/debian:12");
  EXPECT_TRUE(plain->At("h:1").qualified());
  // What was written is kept.
  EXPECT_EQ(Reference::Parse("library/debian")->At("h:1").Full(), "h:1/library/debian:latest");
  EXPECT_TRUE(Reference::Parse("docker.io/debian")->qualified());
  const Digest digest = *Digest::Parse("sha256:" + std::string(64, '7'));
  EXPECT_EQ(plain->WithDigest(digest).wanted(), digest.text());
}

TEST(RegistryHost, IsAHostAndAPort) {
  EXPECT_EQ(*ParseRegistryHost("R.example:5000"), "r.example:5000");
  EXPECT_EQ(*ParseRegistryHost("index.docker.io"), "docker.io");
  EXPECT_EQ(*ParseRegistryHost("registry"), "registry");
  for (const char* bad :
       {"", "https://h", "h/x", "h:", "h:x", "u@h", "h h", "h\n", "[::1", "::1"}) {
    EXPECT_THAT(ParseRegistryHost(bad), HasCode(ErrorCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace boxlite
