// For tests only: a directory of their own, and matchers for Result.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "boxlite/base/cleanup.h"
#include "boxlite/base/files.h"
#include "boxlite/base/result.h"

namespace boxlite {

// Fresh, removed with all in it at the end of the scope.
class TestDirectory {
 public:
  TestDirectory() {
    const char* base = ::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/boxlite-test-XXXXXX";
    BOXLITE_CHECK(::mkdtemp(path_.data()) != nullptr);
    Result<Fd> opened = OpenDirectoryPath(path_);
    BOXLITE_CHECK(opened.ok());
    fd_ = std::move(*opened);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() { static_cast<void>(RemoveTree(AT_FDCWD, path_).ok()); }

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  Fd fd_;
};

MATCHER(IsOk, "is ok") {
  if (arg.ok()) return true;
  *result_listener << "an error: " << arg.error().message();
  return false;
}

MATCHER_P(HasCode, code, "is an error of the kind " + std::string(ErrorCodeName(code))) {
  if (arg.ok()) {
    *result_listener << "is ok";
    return false;
  }
  *result_listener << ErrorCodeName(arg.error().code()) << ": " << arg.error().message();
  return arg.error().code() == code;
}

}  // namespace boxlite
