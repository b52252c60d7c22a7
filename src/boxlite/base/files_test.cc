#include "boxlite/base/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

bool IsCloseOnExec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

std::vector<std::string> Sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Fd, ClosesOnceAndMovesItsDescriptorAway) {
  Result<FdPair> pipe = MakePipe();
  ASSERT_THAT(pipe, IsOk());
  const int number = pipe->first.get();
  Fd moved = std::move(pipe->first);
  EXPECT_FALSE(pipe->first.valid());
  EXPECT_EQ(moved.get(), number);
  moved = std::move(pipe->second);
  EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "the assigned-over descriptor was closed";
  Fd& self = moved;
  moved = std::move(self);
  EXPECT_TRUE(moved.valid());
  const int released = moved.Release();
  EXPECT_FALSE(moved.valid());
  EXPECT_EQ(::close(released), 0);
}

TEST(Fd, EverythingWeOpenIsCloseOnExec) {
  TestDirectory dir;
  Result<FdPair> pipe = MakePipe();
  Result<FdPair> sockets = MakeSocketPair();
  Result<Fd> copy = DuplicateFd(0);
  ASSERT_TRUE(pipe.ok() && sockets.ok() && copy.ok());
  for (int fd : {pipe->first.get(), pipe->second.get(), sockets->first.get(), sockets->second.get(),
                 copy->get(), dir.fd()}) {
    EXPECT_TRUE(IsCloseOnExec(fd)) << fd;
  }
  EXPECT_GE(copy->get(), 3);
  EXPECT_FALSE(DuplicateFd(-1).ok());
}

TEST(Files, AFileIsReadUpToItsLimitAndIsCorruptBeyondIt) {
  TestDirectory dir;
  ASSERT_THAT(WriteFileAtomically(dir.fd(), "f", std::string(100, 'x'), Durability::kVolatile),
              IsOk());
  EXPECT_EQ(ReadFile(dir.fd(), "f", 100)->size(), 100u);
  EXPECT_THAT(ReadFile(dir.fd(), "f", 99), HasCode(ErrorCode::kCorrupt));
}

TEST(Files, AnAbsentFileIsNotFoundOrNothing) {
  TestDirectory dir;
  EXPECT_THAT(ReadFile(dir.fd(), "none", 10), HasCode(ErrorCode::kNotFound));
  Result<std::optional<std::string>> read = ReadFileIfExists(dir.fd(), "none", 10);
  ASSERT_THAT(read, IsOk());
  EXPECT_FALSE(read->has_value());
}

TEST(Files, NoFinalSymlinkIsFollowedAndAFifoDoesNotBlock) {
  TestDirectory dir;
  ASSERT_EQ(::symlinkat("/etc/passwd", dir.fd(), "link"), 0);
  EXPECT_FALSE(ReadFile(dir.fd(), "link", 1 << 20).ok());
  EXPECT_FALSE(ReadFileIfExists(dir.fd(), "link", 1 << 20).ok());
  ASSERT_EQ(::symlinkat("/tmp", dir.fd(), "dirlink"), 0);
  EXPECT_FALSE(OpenDirectory(dir.fd(), "dirlink").ok());
  EXPECT_THAT(OpenDirectoryPath(dir.Path("dirlink")), IsOk());
  ASSERT_EQ(::mkfifoat(dir.fd(), "fifo", 0600), 0);
  EXPECT_THAT(ReadFile(dir.fd(), "fifo", 10), IsOk());
}

TEST(Files, BytesSurviveWhateverTheyAre) {
  TestDirectory dir;
  std::string bytes("\0\xff\n", 3);
  for (int i = 0; i < 100'000; ++i) bytes.push_back(static_cast<char>(i * 7));
  ASSERT_THAT(WriteFileAtomically(dir.fd(), "f", bytes, Durability::kDurable), IsOk());
  EXPECT_EQ(*ReadFile(dir.fd(), "f", 1 << 20), bytes);
  ASSERT_THAT(WriteFileAtomically(dir.fd(), "f", "", Durability::kVolatile), IsOk());
  EXPECT_EQ(*ReadFile(dir.fd(), "f", 1 << 20), "");
}

TEST(Files, AFileOfOursIsForItsOwnerOnly) {
  TestDirectory dir;
  ASSERT_THAT(WriteFileAtomically(dir.fd(), "f", "x", Durability::kVolatile), IsOk());
  ASSERT_THAT(EnsureDirectory(dir.fd(), "d"), IsOk());
  struct stat info = {};
  ASSERT_EQ(::fstatat(dir.fd(), "f", &info, 0), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
  ASSERT_EQ(::fstatat(dir.fd(), "d", &info, 0), 0);
  EXPECT_EQ(info.st_mode & 077, 0u);
}

TEST(Files, AFailedReplacementLeavesTheOldContentAndNoTemporary) {
  TestDirectory dir;
  ASSERT_THAT(EnsureDirectory(dir.fd(), "d"), IsOk());
  ASSERT_THAT(EnsureDirectory(dir.fd(), "d/child"), IsOk());
  EXPECT_FALSE(WriteFileAtomically(dir.fd(), "d", "x", Durability::kVolatile).ok());
  EXPECT_THAT(*ListDirectory(dir.fd()), testing::ElementsAre("d"));
}

TEST(Files, WhatIsWrittenOnceStays) {
  TestDirectory dir;
  ASSERT_THAT(WriteFileOnce(dir.fd(), "f", "first", Durability::kDurable), IsOk());
  EXPECT_THAT(WriteFileOnce(dir.fd(), "f", "second", Durability::kDurable),
              HasCode(ErrorCode::kAlreadyExists));
  EXPECT_EQ(*ReadFile(dir.fd(), "f", 100), "first");
  EXPECT_THAT(*ListDirectory(dir.fd()), testing::ElementsAre("f"));
}

TEST(Files, AReaderSeesTheOldOrTheNewContentAndNothingBetween) {
  TestDirectory dir;
  const std::string a(50'000, 'a');
  const std::string b(70'000, 'b');
  ASSERT_THAT(WriteFileAtomically(dir.fd(), "f", a, Durability::kVolatile), IsOk());
  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      EXPECT_THAT(WriteFileAtomically(dir.fd(), "f", i % 2 ? a : b, Durability::kVolatile), IsOk());
    }
  });
  for (int i = 0; i < 200; ++i) {
    Result<std::string> read = ReadFile(dir.fd(), "f", 1 << 20);
    EXPECT_TRUE(read.ok() && (*read == a || *read == b));
  }
  writer.join();
}

TEST(Files, AListNamesEachEntryAndKeepsItsLimit) {
  TestDirectory dir;
  EXPECT_TRUE(ListDirectory(dir.fd())->empty());
  for (const char* name : {"a", ".hidden", "c"}) {
    ASSERT_THAT(WriteFileOnce(dir.fd(), name, "", Durability::kVolatile), IsOk());
  }
  EXPECT_THAT(Sorted(*ListDirectory(dir.fd())), testing::ElementsAre(".hidden", "a", "c"));
  EXPECT_THAT(Sorted(*ListDirectory(dir.fd())), testing::SizeIs(3)) << "a second time too";
  EXPECT_THAT(ListDirectory(dir.fd(), 3), IsOk());
  EXPECT_THAT(ListDirectory(dir.fd(), 2), HasCode(ErrorCode::kResourceExhausted));
}

TEST(Files, AListClosesTheDirectoryThatWasOpenedForIt) {
  TestDirectory dir;
  ASSERT_THAT(EnsureDirectory(dir.fd(), "d"), IsOk());
  for (const std::size_t limit : {std::size_t{1}, std::size_t{0}}) {
    Result<Fd> opened = OpenDirectory(dir.fd(), ".");
    ASSERT_THAT(opened, IsOk());
    const int number = opened->get();
    EXPECT_EQ(ListDirectory(std::move(*opened), limit).ok(), limit == 1);
    EXPECT_EQ(::fcntl(number, F_GETFD), -1) << "also when there are too many entries";
  }
}

TEST(Files, ATreeIsRemovedWithAllInItAndNoSymlinkIsFollowed) {
  TestDirectory dir;
  ASSERT_THAT(WriteFileOnce(dir.fd(), "kept", "x", Durability::kVolatile), IsOk());
  ASSERT_THAT(EnsureDirectory(dir.fd(), "tree"), IsOk());
  ASSERT_THAT(EnsureDirectory(dir.fd(), "tree/deep"), IsOk());
  ASSERT_THAT(WriteFileOnce(dir.fd(), "tree/deep/file", "x", Durability::kVolatile), IsOk());
  ASSERT_EQ(::symlinkat(dir.path().c_str(), dir.fd(), "tree/deep/out"), 0);
  ASSERT_EQ(::symlinkat("nowhere", dir.fd(), "tree/dangling"), 0);
  EXPECT_THAT(RemoveTree(dir.fd(), "tree"), IsOk());
  EXPECT_THAT(*ListDirectory(dir.fd()), testing::ElementsAre("kept"));
  EXPECT_THAT(RemoveTree(dir.fd(), "tree"), IsOk()) << "an absent tree is fine";
}

TEST(Files, RemovingASymlinkLeavesItsTarget) {
  TestDirectory dir;
  ASSERT_THAT(EnsureDirectory(dir.fd(), "target"), IsOk());
  ASSERT_EQ(::symlinkat("target", dir.fd(), "link"), 0);
  EXPECT_THAT(RemoveTree(dir.fd(), "link"), IsOk());
  EXPECT_THAT(*ListDirectory(dir.fd()), testing::ElementsAre("target"));
}

TEST(Files, EnsuringADirectoryTwiceIsFineAndAMissingParentIsNot) {
  TestDirectory dir;
  EXPECT_THAT(EnsureDirectory(dir.fd(), "d"), IsOk());
  EXPECT_THAT(EnsureDirectory(dir.fd(), "d"), IsOk());
  EXPECT_THAT(EnsureDirectory(dir.fd(), "none/d"), HasCode(ErrorCode::kNotFound));
}

TEST(Files, WritingToAFullDiskIsResourceExhausted) {
  Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full.valid()) GTEST_SKIP() << "no /dev/full here";
  EXPECT_THAT(WriteAll(full.get(), "x"), HasCode(ErrorCode::kResourceExhausted));
  EXPECT_THAT(WriteAll(full.get(), ""), IsOk());
}

TEST(RandomHex, IsLowerCaseHexOfTheAskedLengthAndNeverTheSame) {
  const std::string one = RandomHex(16);
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(one.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(one, RandomHex(16));
  EXPECT_EQ(RandomHex(0), "");
}

}  // namespace
}  // namespace boxlite
