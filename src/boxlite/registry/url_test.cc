#include "boxlite/registry/url.h"

#include <gtest/gtest.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

TEST(Url, KnowsWhoStandsBehindIt) {
  const Url url = *Url::Parse("HTTPS://R.example:5000/a?b=c#d");
  EXPECT_EQ(url.host(), "r.example:5000");
  EXPECT_TRUE(url.is_https());
  EXPECT_EQ(url.text().find('#'), std::string::npos);
  EXPECT_EQ(url.Shown().find("b=c"), std::string::npos);
  EXPECT_EQ(Url::Parse("https://h:443/")->host(), "h");
  EXPECT_EQ(Url::Parse("http://h:80/")->host(), "h");
  EXPECT_EQ(Url::Parse("http://h:443/")->host(), "h:443");
  EXPECT_EQ(Url::Parse("https://[::1]:5000/")->host(), "[::1]:5000");
}

TEST(Url, HasTheOriginOfSchemeHostAndPort) {
  const Url home = *Url::Parse("https://h/x");
  for (const char* same : {"https://h/", "https://H:443/y?z", "HTTPS://h"}) {
    EXPECT_TRUE(home.SameOrigin(*Url::Parse(same))) << same;
  }
  for (const char* other : {"http://h/", "https://h:444/", "https://h.h/", "http://h:443/"}) {
    EXPECT_FALSE(home.SameOrigin(*Url::Parse(other))) << other;
  }
}

TEST(Url, RefusesWhatIsNoneOrHasAPassword) {
  for (const char* bad :
       {"", "h/x", "ftp://h/", "file:///etc/passwd", "https://", "https://u@h/", "https://u:p@h/",
        "https://:p@h/", "javascript:x", "x?a=https://h/", "https://h:99999/", "https://h\n/"}) {
    EXPECT_THAT(Url::Parse(bad), HasCode(ErrorCode::kInvalidArgument)) << bad;
  }
  EXPECT_FALSE(Url::Parse(std::string("https://h/\0x", 12)).ok());
  EXPECT_FALSE(Url::Parse("https://h/" + std::string(20'000, 'x')).ok());
  const Result<Url> secret = Url::Parse("https://me:secret@h/");
  EXPECT_EQ(secret.error().message().find("secret"), std::string::npos);
}

TEST(Url, FollowsARelativeLocation) {
  const Url home = *Url::Parse("https://h:1/v2/r/blobs/x?q=1");
  EXPECT_EQ(home.Follow("/y")->text(), "https://h:1/y");
  EXPECT_EQ(home.Follow("z?a=b")->text(), "https://h:1/v2/r/blobs/z?a=b");
  EXPECT_EQ(home.Follow("//other/y")->host(), "other");
  EXPECT_EQ(home.Follow("http://other/y")->is_https(), false);
  EXPECT_FALSE(home.Follow("file:///etc/passwd").ok());
  EXPECT_FALSE(home.Follow("https://u:p@other/").ok());
}

TEST(Url, EscapesWhatItIsAsked) {
  const Url url = Url::Parse("https://h/t")->WithQuery("a", "b c&d=e").WithQuery("f", "g:h/\xc3");
  EXPECT_EQ(url.text(), "https://h/t?a=b%20c%26d%3De&f=g%3Ah%2F%C3");
}

}  // namespace
}  // namespace boxlite
