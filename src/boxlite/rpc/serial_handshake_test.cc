#include "boxlite/rpc/serial_handshake.h"

#include <vector>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using Bytes = std::vector<std::uint8_t>;

SessionNonce Nonce(std::uint8_t first) {
  SessionNonce nonce;
  for (std::size_t i = 0; i < nonce.size(); ++i) {
    nonce[i] = static_cast<std::uint8_t>(first + i);
  }
  return nonce;
}

Bytes Ack(std::uint8_t nonce, std::uint32_t version = kAgentProtocolVersion) {
  const GreetingBytes bytes = EncodeGreeting(GreetingKind::kAck, {version, Nonce(nonce)});
  return Bytes(bytes.begin(), bytes.end());
}

Bytes Join(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes Garbage(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 131 + 17);
  return bytes;
}

TEST(SerialHandshake, AGreetingComesBackWhole) {
  GreetingScanner scanner(GreetingKind::kAck, Nonce(1));
  Result<std::optional<GreetingScanner::Found>> found = scanner.Feed(Ack(1, 0xA1B2C3D4));
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->greeting.version, 0xA1B2C3D4u);
  EXPECT_EQ((*found)->greeting.nonce, Nonce(1));
  EXPECT_EQ((*found)->consumed, kGreetingSize);
}

TEST(SerialHandshake, IsFoundWhereverTheStreamIsSplit) {
  const Bytes stream = Join({Garbage(57), Ack(9), Ack(1), Bytes{1, 2, 3}});
  const std::size_t end = 57 + 2 * kGreetingSize;
  for (std::size_t split = 0; split <= stream.size(); ++split) {
    GreetingScanner scanner(GreetingKind::kAck, Nonce(1));
    const std::span<const std::uint8_t> all(stream);
    Result<std::optional<GreetingScanner::Found>> first = scanner.Feed(all.subspan(0, split));
    ASSERT_THAT(first, IsOk());
    if (split >= end) {
      ASSERT_TRUE(first->has_value()) << split;
      EXPECT_EQ((*first)->consumed, end);
      continue;
    }
    ASSERT_FALSE(first->has_value()) << split;
    Result<std::optional<GreetingScanner::Found>> second = scanner.Feed(all.subspan(split));
    ASSERT_THAT(second, IsOk());
    ASSERT_TRUE(second->has_value()) << split;
    EXPECT_EQ((*second)->consumed, end - split) << "what is behind it belongs to the session";
  }
}

TEST(SerialHandshake, IsFoundWhenBytesComeOneByOne) {
  GreetingScanner scanner(GreetingKind::kHello);
  const GreetingBytes hello = EncodeGreeting(GreetingKind::kHello, {7, Nonce(3)});
  for (std::size_t i = 0; i < hello.size(); ++i) {
    Result<std::optional<GreetingScanner::Found>> found = scanner.Feed({&hello[i], 1});
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->has_value(), i + 1 == hello.size());
  }
}

TEST(SerialHandshake, AnEarlierSessionsGreetingIsALeftover) {
  GreetingScanner scanner(GreetingKind::kAck, Nonce(1));
  EXPECT_FALSE(scanner.Feed(Ack(2))->has_value());
  EXPECT_TRUE(scanner.Feed(Ack(1))->has_value());
}

TEST(SerialHandshake, AnEchoOfOurOwnHelloIsNoAck) {
  GreetingScanner scanner(GreetingKind::kAck, Nonce(1));
  const GreetingBytes hello = EncodeGreeting(GreetingKind::kHello, {1, Nonce(1)});
  EXPECT_FALSE(scanner.Feed(hello)->has_value());
}

TEST(SerialHandshake, WithoutAnExpectedNonceTheFirstGreetingCounts) {
  GreetingScanner scanner(GreetingKind::kAck);
  Result<std::optional<GreetingScanner::Found>> found = scanner.Feed(Join({Ack(5), Ack(6)}));
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_EQ((*found)->greeting.nonce, Nonce(5));
  EXPECT_EQ((*found)->consumed, kGreetingSize);
}

TEST(SerialHandshake, ATruncatedGreetingBeforeTheRealOneDoesNotHideIt) {
  for (std::size_t cut = 1; cut < kGreetingSize; ++cut) {
    Bytes half = Ack(1);
    half.resize(cut);
    GreetingScanner scanner(GreetingKind::kAck, Nonce(1));
    // Its own nonce may look like a magic: the scanner must find the next whole one all the same.
    Result<std::optional<GreetingScanner::Found>> found =
        scanner.Feed(Join({half, Garbage(kGreetingSize), Ack(1)}));
    ASSERT_TRUE(found.ok() && found->has_value()) << cut;
  }
}

TEST(SerialHandshake, GarbageIsDiscardedUpToALimit) {
  // What is in the window is not discarded yet, so the limit is reached a greeting later.
  GreetingScanner just_fits(GreetingKind::kAck, Nonce(1));
  EXPECT_THAT(just_fits.Feed(Bytes(kMaxDiscardedBytes, 0xB0)), IsOk());
  Result<std::optional<GreetingScanner::Found>> found = just_fits.Feed(Ack(1));
  ASSERT_THAT(found, IsOk());
  EXPECT_TRUE(found->has_value());
  GreetingScanner too_much(GreetingKind::kAck, Nonce(1));
  EXPECT_THAT(too_much.Feed(Bytes(kMaxDiscardedBytes + kGreetingSize + 1, 0xB0)),
              HasCode(ErrorCode::kCorrupt));
}

TEST(SerialHandshake, NoBytesAreNoGreeting) {
  GreetingScanner scanner(GreetingKind::kAck);
  Result<std::optional<GreetingScanner::Found>> found = scanner.Feed({});
  ASSERT_THAT(found, IsOk());
  EXPECT_FALSE(found->has_value());
}

}  // namespace
}  // namespace boxlite
