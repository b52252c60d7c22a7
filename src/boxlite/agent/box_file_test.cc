#include "boxlite/agent/box_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boxlite/base/fd.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

constexpr std::size_t kLimit = 100;

class BoxFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = ::testing::TempDir() + "box_file_XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    outside_ = path;
    Result<Fd> outside = OpenDirectoryPath(outside_);
    ASSERT_TRUE(outside.ok());
    outside_fd_ = std::move(*outside);
    ASSERT_EQ(::mkdirat(outside_fd_.get(), "root", 0755), 0);
    root_ = std::move(*OpenDirectory(outside_fd_.get(), "root"));
    Write(outside_fd_.get(), "secret", "outside");
    ASSERT_EQ(::mkdirat(root_.get(), "etc", 0755), 0);
  }
  void TearDown() override {
    ASSERT_TRUE(RemoveTree(outside_fd_.get(), "root").ok());
    ::unlinkat(outside_fd_.get(), "secret", 0);
    ::rmdir(outside_.c_str());
  }
  static void Write(int dir_fd, const std::string& name, const std::string& content) {
    Fd file(::openat(dir_fd, name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    ASSERT_TRUE(WriteAll(file.get(), content).ok());
  }
  std::optional<std::string> Read(const std::string& path) {
    Result<std::optional<std::string>> content = ReadBoxFile(root_.get(), path, kLimit);
    EXPECT_TRUE(content.ok());
    return content.ok() ? *content : std::nullopt;
  }

  std::string outside_;
  Fd outside_fd_;
  Fd root_;
};

TEST_F(BoxFileTest, AFileIsReadToItsEnd) {
  Write(root_.get(), "etc/passwd", "text");
  EXPECT_EQ(Read("etc/passwd"), "text");
}

TEST_F(BoxFileTest, SymlinksAreFollowedInsideTheRootOnly) {
  Write(root_.get(), "real", "inside");
  ASSERT_EQ(::symlinkat("/real", root_.get(), "etc/passwd"), 0);
  EXPECT_EQ(Read("etc/passwd"), "inside");
  ASSERT_EQ(::symlinkat("../../../../secret", root_.get(), "etc/group"), 0);
  EXPECT_EQ(Read("etc/group"), std::nullopt);
  ASSERT_EQ(::symlinkat((outside_ + "/secret").c_str(), root_.get(), "etc/shadow"), 0);
  EXPECT_EQ(Read("etc/shadow"), std::nullopt);
}

TEST_F(BoxFileTest, WhatIsNoFileIsAbsentAndHoldsNobodyUp) {
  EXPECT_EQ(Read("etc/passwd"), std::nullopt);
  ASSERT_EQ(::mkfifoat(root_.get(), "etc/passwd", 0644), 0);
  EXPECT_EQ(Read("etc/passwd"), std::nullopt);
  EXPECT_EQ(Read("etc"), std::nullopt);
  ASSERT_EQ(::symlinkat("loop", root_.get(), "loop"), 0);
  EXPECT_EQ(Read("loop"), std::nullopt);
}

TEST_F(BoxFileTest, AFileBeyondTheLimitIsRefused) {
  Write(root_.get(), "fits", std::string(kLimit, 'x'));
  EXPECT_EQ(Read("fits")->size(), kLimit);
  Write(root_.get(), "large", std::string(kLimit + 1, 'x'));
  EXPECT_EQ(ReadBoxFile(root_.get(), "large", kLimit).error().code(),
            ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace boxlite
