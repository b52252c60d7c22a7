#include "boxlite/disk/fetch_ahead.h"

#include <gtest/gtest.h>

#include <future>

#include "boxlite/disk/testing.h"

namespace boxlite {
namespace {

std::string Numbers(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + " ";
  return text;
}

// Says when all was read from it.
class WatchedSource final : public ByteSource {
 public:
  WatchedSource(std::string bytes, std::promise<void>& read_all)
      : source_(std::move(bytes), 50'000), read_all_(read_all) {}
  Result<std::size_t> Read(std::span<char> room) override {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, source_.Read(room));
    if (count == 0) read_all_.set_value();
    return count;
  }

 private:
  TextSource source_;
  std::promise<void>& read_all_;
};

Result<std::string> ReadAll(ByteSource& source) {
  std::string text;
  std::string room(77'777, '\0');
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, source.Read(room));
    if (count == 0) return text;
    text.append(room, 0, count);
  }
}

TEST(FetchAhead, ReadsEverythingWhileNobodyTakesIt) {
  TestDirectory directory;
  const std::string text = Numbers(10 << 20);  // more than it keeps in memory
  std::promise<void> read_all;
  FetchAhead ahead(std::make_unique<WatchedSource>(text, read_all), directory.fd());
  read_all.get_future().wait();
  EXPECT_TRUE(ListDirectory(directory.fd())->empty());  // unlinked from the first moment
  const Result<std::string> got = ReadAll(ahead);
  ASSERT_THAT(got, IsOk());
  EXPECT_TRUE(*got == text);
}

TEST(FetchAhead, KeepsTheOrderWhileBothSidesRun) {
  TestDirectory directory;
  const std::string text = Numbers(20 << 20);
  std::promise<void> read_all;
  FetchAhead ahead(std::make_unique<WatchedSource>(text, read_all), directory.fd());
  const Result<std::string> got = ReadAll(ahead);
  ASSERT_THAT(got, IsOk());
  EXPECT_TRUE(*got == text);
}

TEST(FetchAhead, TellsAnErrorAfterTheBytesBeforeIt) {
  TestDirectory directory;
  FetchAhead ahead(
      std::make_unique<TextSource>("abc", 2, Error(ErrorCode::kUnavailable, "cable cut")),
      directory.fd());
  std::string text;
  std::string room(1, '\0');
  Result<std::size_t> got = ahead.Read(room);
  for (; got.ok(); got = ahead.Read(room)) text += room;
  EXPECT_EQ(text, "abc");
  EXPECT_THAT(got, HasCode(ErrorCode::kUnavailable));
}

TEST(FetchAhead, MayBeLeftWithoutBeingRead) {
  TestDirectory directory;
  std::promise<void> read_all;
  const FetchAhead ahead(std::make_unique<WatchedSource>(Numbers(5 << 20), read_all),
                         directory.fd());
}

}  // namespace
}  // namespace boxlite
