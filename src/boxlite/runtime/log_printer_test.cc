#include "boxlite/runtime/log_printer.h"

#include <sys/mman.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr LogStream kOut = LogStream::kStdout;
constexpr LogStream kErr = LogStream::kStderr;

// Both streams on one descriptor, as on a terminal.
class LogPrinterTest : public testing::Test {
 protected:
  void View(const LogView& view) { printer_.emplace(view, terminal_.get(), terminal_.get()); }
  void Say(LogStream stream, std::int64_t second, std::string_view bytes) {
    ASSERT_THAT(printer_->Take({second * kSecond, stream, 0, bytes}), IsOk());
  }
  std::string Shown() {
    std::string text(1 << 20, '\0');
    const ssize_t size = ::pread(terminal_.get(), text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return text;
  }

  Fd terminal_{::memfd_create("terminal", MFD_CLOEXEC)};
  std::optional<LogPrinter> printer_;
};

TEST_F(LogPrinterTest, CopiesBytesAsTheyComeWhenNothingElseIsAsked) {
  View({});
  Say(kOut, 1, "ab");
  Say(kErr, 2, "e\n");
  EXPECT_EQ(Shown(), "abe\n");
}

TEST_F(LogPrinterTest, PutsTheTimeOfItsFirstByteBeforeALineOfSeveralRecords) {
  View({.timestamps = true});
  Say(kOut, 1, "begin ");
  Say(kOut, 2, "end\nnext\n");
  EXPECT_EQ(Shown(),
            "1970-01-01T00:00:01.000000000Z begin end\n"
            "1970-01-01T00:00:02.000000000Z next\n");
}

TEST_F(LogPrinterTest, KeepsLinesOfTheTwoStreamsWhole) {
  View({.timestamps = true});
  Say(kOut, 1, "out ");
  Say(kErr, 2, "err\n");
  Say(kOut, 3, "put\n");
  EXPECT_EQ(Shown(),
            "1970-01-01T00:00:02.000000000Z err\n"
            "1970-01-01T00:00:01.000000000Z out put\n");
}

TEST_F(LogPrinterTest, WritesALineThatNeverEndedAtTheEnd) {
  View({.timestamps = true});
  Say(kOut, 1, "prompt> ");
  EXPECT_EQ(Shown(), "");
  ASSERT_THAT(printer_->Finish(), IsOk());
  ASSERT_THAT(printer_->Finish(), IsOk());
  EXPECT_EQ(Shown(), "1970-01-01T00:00:01.000000000Z prompt> ");
}

TEST_F(LogPrinterTest, WritesALineBeyondMeasureInPartsWithOneTime) {
  View({.timestamps = true});
  const std::string part(kMostHeldOfALine, 'x');
  Say(kOut, 1, part);
  EXPECT_EQ(Shown(), "1970-01-01T00:00:01.000000000Z " + part) << "it is not held";
  Say(kOut, 2, "y\nz\n");
  EXPECT_EQ(Shown(),
            "1970-01-01T00:00:01.000000000Z " + part + "y\n1970-01-01T00:00:02.000000000Z z\n");
}

TEST_F(LogPrinterTest, ShowsLinesByTheTimeOfTheirFirstByteBothEndsIncluded) {
  View({.since_ns = 2 * kSecond, .until_ns = 3 * kSecond});
  Say(kOut, 1, "before\nlong ");
  Say(kOut, 2, "tail of a line from before\nfirst\n");
  Say(kErr, 3, "second ");
  Say(kOut, 4, "after\n");
  Say(kErr, 5, "and its end\nlate\n");
  EXPECT_EQ(Shown(), "first\nsecond and its end\n");
}

TEST_F(LogPrinterTest, DoesNotHoldALineWithoutTimes) {
  View({.since_ns = 1});
  Say(kOut, 1, "prompt> ");
  EXPECT_EQ(Shown(), "prompt> ");
}

TEST_F(LogPrinterTest, ShowsTheLastLinesOfBothStreamsInOrder) {
  View({.tail_lines = 2});
  Say(kOut, 1, "a\nb\n");
  Say(kErr, 2, "c\n");
  EXPECT_EQ(Shown(), "");
  ASSERT_THAT(printer_->EndTail(), IsOk());
  EXPECT_EQ(Shown(), "b\nc\n");
  Say(kOut, 3, "d\n");
  EXPECT_EQ(Shown(), "b\nc\nd\n");
}

TEST_F(LogPrinterTest, CountsALineThatHasNotEndedAsTheLast) {
  View({.tail_lines = 2});
  Say(kOut, 1, "a\nb\nc");
  ASSERT_THAT(printer_->EndTail(), IsOk());
  EXPECT_EQ(Shown(), "b\nc");
  Say(kOut, 3, "d\n");
  EXPECT_EQ(Shown(), "b\ncd\n");
}

TEST_F(LogPrinterTest, GoesOnWithALineThatTheTailHeldAndKeepsItsTime) {
  View({.tail_lines = 1, .timestamps = true});
  Say(kOut, 1, "a\nbe");
  ASSERT_THAT(printer_->EndTail(), IsOk());
  Say(kErr, 2, "e\n");
  Say(kOut, 3, "gin\n");
  EXPECT_EQ(Shown(),
            "1970-01-01T00:00:02.000000000Z e\n"
            "1970-01-01T00:00:01.000000000Z begin\n");
}

TEST_F(LogPrinterTest, CountsOnlyLinesOfTheAskedTime) {
  View({.tail_lines = 2, .until_ns = 2 * kSecond});
  Say(kOut, 1, "a\nb\n");
  Say(kOut, 2, "c\n");
  Say(kOut, 3, "d\ne\n");
  ASSERT_THAT(printer_->EndTail(), IsOk());
  EXPECT_EQ(Shown(), "b\nc\n");
}

TEST_F(LogPrinterTest, ShowsNothingOfThePastForATailOfNone) {
  View({.tail_lines = 0});
  Say(kOut, 1, "a\nb");
  ASSERT_THAT(printer_->EndTail(), IsOk());
  EXPECT_EQ(Shown(), "");
  Say(kOut, 2, "c\nd\n");
  EXPECT_EQ(Shown(), "c\nd\n");
}

TEST_F(LogPrinterTest, DiscardsAStreamWithoutADescriptor) {
  printer_.emplace(LogView{.timestamps = true}, terminal_.get(), -1);
  Say(kErr, 1, "e\n");
  Say(kOut, 2, "o\n");
  EXPECT_EQ(Shown(), "1970-01-01T00:00:02.000000000Z o\n");
}

}  // namespace
}  // namespace boxlite
