#include "boxlite/registry/retry.h"

#include <gtest/gtest.h>

#include "boxlite/registry/blob_source.h"
#include "boxlite/registry/http.h"

namespace boxlite {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Patience Quick() {
  Patience patience;
  patience.attempts = 3;
  patience.first_pause = milliseconds(1);
  patience.longest_pause = milliseconds(4);
  return patience;
}

const Error kPassing(ErrorCode::kUnavailable, "gone for now");

TEST(Retry, HasSoManyAttempts) {
  Retry retry(Quick());
  EXPECT_TRUE(retry.Again(kPassing));
  EXPECT_TRUE(retry.Again(Error(ErrorCode::kTimeout, "")));
  EXPECT_FALSE(retry.Again(kPassing));
  retry.Gain();
  EXPECT_TRUE(retry.Again(kPassing));
}

TEST(Retry, IsNotForWhatStays) {
  for (const ErrorCode code : {ErrorCode::kNotFound, ErrorCode::kPermissionDenied,
                               ErrorCode::kCorrupt, ErrorCode::kUnsupported}) {
    EXPECT_FALSE(Retry(Quick()).Again(Error(code, "")));
  }
}

TEST(Retry, DoesNotWaitLongerThanTheLongestPause) {
  Retry retry(Quick());
  retry.Wish(seconds(1));
  EXPECT_FALSE(retry.Again(kPassing));
  Patience patience = Quick();
  patience.longest_pause = milliseconds(1100);
  Retry patient(patience);
  patient.Wish(seconds(1));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(patient.Again(kPassing));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(999));
  EXPECT_TRUE(patient.Again(kPassing));  // the wish was for once
}

TEST(RetryAfter, IsSecondsOrADate) {
  EXPECT_EQ(ParseRetryAfter("120", 0), seconds(120));
  EXPECT_EQ(ParseRetryAfter("0", 0), seconds(0));
  constexpr std::int64_t kThen = 1445412480;  // Wed, 21 Oct 2015 07:28:00 GMT
  EXPECT_EQ(ParseRetryAfter("Wed, 21 Oct 2015 07:28:00 GMT", kThen - 90), seconds(90));
  EXPECT_EQ(ParseRetryAfter("Wed, 21 Oct 2015 07:28:00 GMT", kThen + 90), seconds(0));
  for (const char* bad : {"", "-1", "1.5", "soon", "x GMT"}) {
    EXPECT_EQ(ParseRetryAfter(bad, 0), std::nullopt) << bad;
  }
  EXPECT_GT(*ParseRetryAfter("99999999999999999999999999", 0), seconds(1'000'000));
}

TEST(ContentRange, IsReadExactly) {
  const auto range = ParseContentRange("bytes 5-9/10");
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5U);
  EXPECT_EQ(range->last, 9U);
  EXPECT_EQ(range->total, 10U);
  EXPECT_EQ(ParseContentRange("bytes 5-9/*")->total, std::nullopt);
  for (const char* bad :
       {"", "bytes", "bytes 9-5/10", "bytes 5-10/10", "bytes */10", "items 5-9/10", "bytes 5-9",
        "bytes -9/10", "bytes 5-/10", "bytes 5-9/", "bytes 5-9/x", "bytes 5- 9/10",
        "bytes 99999999999999999999-99999999999999999999/*", "bytes +5-9/10"}) {
    EXPECT_FALSE(ParseContentRange(bad)) << bad;
  }
}

TEST(HttpHead, IsThatOfTheLastAnswer) {
  HttpHead head;
  for (const char* line :
       {"HTTP/1.1 103 Early Hints\r\n", "Link: </x>\r\n", "HTTP/1.1 200 OK\r\n",
        "Content-Type:  text/plain \r\n", "X: 1\r\n", "x: 2\r\n", "nonsense\r\n", ": empty\r\n"}) {
    TakeHeaderLine(line, head);
  }
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Find("link"), std::nullopt);
  EXPECT_EQ(head.Find("content-type"), "text/plain");
  EXPECT_EQ(head.All("x"), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(head.headers.size(), 3U);
}

}  // namespace
}  // namespace boxlite
