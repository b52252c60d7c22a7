#include "boxlite/runtime/main_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include "boxlite/base/files.h"

namespace boxlite {
namespace {

class MainLog : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(path_), nullptr);
    box_.Reset(::open(path_, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(box_.valid());
  }
  void TearDown() override { EXPECT_TRUE(RemoveTree(AT_FDCWD, path_).ok()); }

  LogWriter Open(std::uint64_t rotate = kLogRotateBytes) {
    Result<LogWriter> writer = LogWriter::Open(box_.get(), rotate);
    EXPECT_TRUE(writer.ok());
    return std::move(*writer);
  }
  std::string ReadAll(std::uint64_t from, std::uint64_t* dropped = nullptr) {
    std::string text;
    LogReader reader(box_.get(), from);
    auto progress = reader.ReadAvailable([&](const LogRecord& record) -> Status {
      text.append(record.bytes);
      return {};
    });
    EXPECT_TRUE(progress.ok()) << progress.error().message();
    if (dropped != nullptr) *dropped = progress->dropped;
    return text;
  }

  char path_[32] = "/tmp/boxlite-log-XXXXXX";
  Fd box_;
};

TEST_F(MainLog, GivesBackWhatWasWrittenByteForByte) {
  LogWriter writer = Open();
  const std::string bytes("a\n\0\xff 12 o 3 4\n", 15);
  ASSERT_TRUE(writer.Append(LogStream::kStdout, bytes, 1).ok());
  ASSERT_TRUE(writer.Append(LogStream::kStderr, "err", 2).ok());
  EXPECT_EQ(ReadAll(0), bytes + "err");
  EXPECT_EQ(writer.end(), bytes.size() + 3);
}

TEST_F(MainLog, ReadsFromTheMiddleOfARecord) {
  LogWriter writer = Open();
  ASSERT_TRUE(writer.Append(LogStream::kStdout, "0123456789", 1).ok());
  EXPECT_EQ(ReadAll(4), "456789");
}

TEST_F(MainLog, GoesOnOverLives) {
  { ASSERT_TRUE(Open().Append(LogStream::kStdout, "first ", 1).ok()); }
  LogWriter second = Open();
  EXPECT_EQ(second.end(), 6u);
  ASSERT_TRUE(second.Append(LogStream::kStdout, "second", 2).ok());
  EXPECT_EQ(ReadAll(0), "first second");
}

TEST_F(MainLog, ATornTailIsCutWhenTheNextLifeBegins) {
  { ASSERT_TRUE(Open().Append(LogStream::kStdout, "whole", 1).ok()); }
  Fd file(::openat(box_.get(), "main.log", O_WRONLY | O_APPEND | O_CLOEXEC));
  ASSERT_TRUE(WriteAll(file.get(), "2 o 5 100\nonly this mu").ok());
  EXPECT_EQ(ReadAll(0), "whole");
  LogWriter writer = Open();
  ASSERT_TRUE(writer.Append(LogStream::kStdout, " again", 3).ok());
  EXPECT_EQ(ReadAll(0), "whole again");
}

TEST_F(MainLog, RotationKeepsLogicalOffsetsAndTheLastFile) {
  LogWriter writer = Open(/*rotate_bytes=*/100);
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    all += line;
    ASSERT_TRUE(writer.Append(LogStream::kStdout, line, i).ok());
  }
  EXPECT_EQ(writer.end(), all.size());
  std::uint64_t dropped = 0;
  const std::string kept = ReadAll(0, &dropped);
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(dropped + kept.size(), all.size());
  EXPECT_TRUE(all.ends_with(kept));
  Result<std::uint64_t> end = LogEnd(box_.get());
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(*end, all.size());
}

TEST_F(MainLog, AFollowerLosesNothingOverARotation) {
  LogWriter writer = Open(/*rotate_bytes=*/64);
  LogReader reader(box_.get(), 0);
  std::string all;
  std::string seen;
  for (int i = 0; i < 50; ++i) {
    const std::string line = "tick " + std::to_string(i) + "\n";
    all += line;
    ASSERT_TRUE(writer.Append(LogStream::kStdout, line, i).ok());
    auto progress = reader.ReadAvailable([&](const LogRecord& record) -> Status {
      seen.append(record.bytes);
      return {};
    });
    ASSERT_TRUE(progress.ok());
    EXPECT_EQ(progress->dropped, 0u);
  }
  EXPECT_EQ(seen, all);
}

TEST_F(MainLog, ARecordThatAFullDiskCutIsTakenBackAndTheNextIsReadWhole) {
  LogWriter writer = Open();
  ASSERT_TRUE(writer.Append(LogStream::kStdout, "before", 1).ok());
  LogReader follower(box_.get(), 0);
  std::string seen;
  const auto follow = [&]() {
    return follower.ReadAvailable([&](const LogRecord& record) -> Status {
      seen.append(record.bytes);
      return {};
    });
  };
  ASSERT_TRUE(follow().ok());
  // A limit on the file's size is as good as a full disk: the write is cut in the middle.
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  struct sigaction action_before = {};
  ASSERT_EQ(::sigaction(SIGXFSZ, &ignore, &action_before), 0);
  rlimit limit_before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit_before), 0);
  rlimit limit = limit_before;
  limit.rlim_cur = 200;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  Status cut = writer.Append(LogStream::kStdout, std::string(1000, 'x'), 2);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit_before), 0);
  ASSERT_EQ(::sigaction(SIGXFSZ, &action_before, nullptr), 0);
  EXPECT_FALSE(cut.ok());
  ASSERT_TRUE(writer.Append(LogStream::kStdout, " after", 3).ok());
  ASSERT_TRUE(follow().ok());
  EXPECT_EQ(seen, "before after");
  EXPECT_EQ(ReadAll(0), "before after");
}

TEST_F(MainLog, AFollowerThatSawHalfARecordReadsWhatReplacedIt) {
  LogWriter writer = Open();
  LogReader follower(box_.get(), 0);
  std::string seen;
  const auto follow = [&]() {
    return follower.ReadAvailable([&](const LogRecord& record) -> Status {
      seen.append(record.bytes);
      return {};
    });
  };
  {
    Fd file(::openat(box_.get(), "main.log", O_WRONLY | O_APPEND | O_CLOEXEC));
    ASSERT_TRUE(WriteAll(file.get(), "1 o 0 900\nhalf").ok());
    ASSERT_TRUE(follow().ok());
    ASSERT_EQ(::ftruncate(file.get(), 0), 0);
  }
  ASSERT_TRUE(writer.Append(LogStream::kStdout, "whole", 2).ok());
  ASSERT_TRUE(follow().ok());
  EXPECT_EQ(seen, "whole");
}

TEST_F(MainLog, ARotationThatGotHalfwayIsGoneOnWith) {
  LogWriter writer = Open(/*rotate_bytes=*/64);
  ASSERT_TRUE(writer.Append(LogStream::kStdout, std::string(80, 'a'), 1).ok());
  ASSERT_EQ(::renameat(box_.get(), "main.log", box_.get(), "main.log.1"), 0);
  ASSERT_TRUE(writer.Append(LogStream::kStdout, "b", 2).ok());
  EXPECT_EQ(ReadAll(0), std::string(80, 'a') + "b");
}

TEST_F(MainLog, OffsetsThatGoBackAreATornTailToTheNextWriter) {
  {
    Fd file(::openat(box_.get(), "main.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(WriteAll(file.get(), "1 o 100 3\nabc\n1 o 5 3\ndef\n").ok());
  }
  LogWriter writer = Open();
  EXPECT_EQ(writer.end(), 103u);
  ASSERT_TRUE(writer.Append(LogStream::kStdout, "ghi", 2).ok());
  EXPECT_EQ(ReadAll(100), "abcghi");
}

TEST_F(MainLog, NoLogReadsAsEmpty) { EXPECT_EQ(ReadAll(0), ""); }

TEST(ParseLogRecord, RefusesWhatIsNoRecord) {
  for (const char* text :
       {"x o 0 1\na\n", "1 x 0 1\na\n", "1 o 0 1\nab", "1 o 0 999999999\n", "1 o 0 1 \na\n",
        "1o 0 1\na\n", "\n", "1 o 18446744073709551615 1\na\n"}) {
    EXPECT_FALSE(ParseLogRecord(text).ok()) << text;
  }
  EXPECT_EQ(ParseLogRecord("1 o 0 5\nab")->size, 0u) << "a short one wants more";
  EXPECT_FALSE(ParseLogRecord(std::string(100, '1')).ok()) << "a header has an end";
}

TEST_F(MainLog, AReaderMayTakeALotInSteps) {
  LogWriter writer = Open(4096);
  std::string wrote;
  for (int i = 0; i < 60; ++i) {
    const std::string line(100, static_cast<char>('a' + i % 26));
    ASSERT_TRUE(writer.Append(LogStream::kStdout, line, 1).ok());
    wrote += line;
  }
  LogReader reader(box_.get(), 0);
  std::string read;
  std::uint64_t dropped = 0;
  int steps = 0;
  for (bool more = true; more; ++steps) {
    const std::size_t before = read.size();
    auto progress = reader.ReadAvailable(
        [&](const LogRecord& record) -> Status {
          read.append(record.bytes);
          return {};
        },
        250);
    ASSERT_TRUE(progress.ok());
    EXPECT_LE(read.size() - before, 300u) << "a record is not cut";
    more = progress->more;
    dropped += progress->dropped;
  }
  EXPECT_GT(steps, 10);
  EXPECT_EQ(dropped + read.size(), wrote.size());
  EXPECT_EQ(read, wrote.substr(dropped));
  EXPECT_EQ(reader.position(), writer.end());
}

}  // namespace
}  // namespace boxlite
