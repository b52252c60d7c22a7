#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "boxlite/image/blob_set.h"

namespace boxlite {
namespace {

class LayoutDirectory final : public BlobSet {
 public:
  explicit LayoutDirectory(Fd directory) : directory_(std::move(directory)) {}

  Result<std::uint64_t> Size(const std::string& name) const override {
    BOXLITE_ASSIGN_OR_RETURN(Fd file, OpenFile(name));
    struct stat info = {};
    if (::fstat(file.get(), &info) != 0) return ErrnoError("look at " + name);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<std::unique_ptr<ByteSource>> Open(const std::string& name) const override {
    BOXLITE_ASSIGN_OR_RETURN(Fd file, OpenFile(name));
    struct stat info = {};
    if (::fstat(file.get(), &info) != 0) return ErrnoError("look at " + name);
    return std::unique_ptr<ByteSource>(
        new OwnedSource(std::move(file), static_cast<std::uint64_t>(info.st_size)));
  }

 private:
  class OwnedSource final : public ByteSource {
   public:
    OwnedSource(Fd file, std::uint64_t size)
        : file_(std::move(file)), source_(NewFileSource(file_.get(), 0, size)) {}
    Result<std::size_t> Read(std::span<char> room) override { return source_->Read(room); }

   private:
    Fd file_;
    std::unique_ptr<ByteSource> source_;
  };

  Result<Fd> OpenFile(const std::string& name) const {
    struct open_how how = {};
    // O_NONBLOCK: a fifo in a blob's place must not be waited for.
    how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long opened = ::syscall(SYS_openat2, directory_.get(), name.c_str(), &how, sizeof how);
    if (opened < 0) {
      if (errno == EXDEV || errno == ELOOP) {
        return Error(ErrorCode::kCorrupt, name + " leads out of the layout's directory");
      }
      return ErrnoError("open " + name + " of the layout");
    }
    Fd file(static_cast<int>(opened));
    struct stat info = {};
    if (::fstat(file.get(), &info) != 0) return ErrnoError("look at " + name);
    if (!S_ISREG(info.st_mode)) {
      return Error(ErrorCode::kCorrupt, name + " of the layout is no regular file");
    }
    return file;
  }

  Fd directory_;
};

}  // namespace

Result<std::unique_ptr<BlobSet>> OpenLayoutDirectory(Fd directory) {
  return std::unique_ptr<BlobSet>(new LayoutDirectory(std::move(directory)));
}

}  // namespace boxlite
