#include "boxlite/agent/copy_work.h"

#include <unistd.h>

#include <cerrno>
#include <vector>

#include "boxlite/agent/transfer.h"
#include "boxlite/base/files.h"

namespace boxlite {
namespace {

// A pipe's own capacity.
constexpr std::size_t kChunkBytes = 64 * 1024;

class PackWork final : public BoxWork {
 public:
  explicit PackWork(PackOptions options) : options_(std::move(options)) {}

  Status Prepare(const UserIdentity&) override {
    BOXLITE_ASSIGN_OR_RETURN(packer_, Packer::Open(options_));
    return {};
  }
  std::string Run() override {
    Status sent = Send();
    return EncodeReport({std::move(sent), packer_->skipped()});
  }

 private:
  Status Send() {
    std::vector<char> buffer(kChunkBytes);
    for (;;) {
      BOXLITE_ASSIGN_OR_RETURN(const std::size_t count,
                               packer_->Read(buffer.data(), buffer.size()));
      if (count == 0) return {};
      BOXLITE_RETURN_IF_ERROR(WriteAll(1, {buffer.data(), count}));
    }
  }

  PackOptions options_;
  std::unique_ptr<Packer> packer_;
};

class UnpackWork final : public BoxWork {
 public:
  explicit UnpackWork(UnpackOptions options) : options_(std::move(options)) {}

  Status Prepare(const UserIdentity& user) override {
    if (!options_.keep_owners) options_.owner = Owner{user.uid, user.gid};
    BOXLITE_ASSIGN_OR_RETURN(unpacker_, Unpacker::Open(options_));
    return {};
  }
  std::string Run() override {
    Status taken = Take();
    const std::uint64_t skipped = unpacker_->skipped();
    unpacker_.reset();  // this process leaves without destructors
    return EncodeReport({std::move(taken), skipped});
  }

 private:
  Status Take() {
    std::vector<char> buffer(kChunkBytes);
    for (;;) {
      const ssize_t count = ::read(0, buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("read the tar stream");
      if (count == 0) return unpacker_->Finish();
      BOXLITE_RETURN_IF_ERROR(unpacker_->Feed({buffer.data(), static_cast<std::size_t>(count)}));
    }
  }

  UnpackOptions options_;
  std::unique_ptr<Unpacker> unpacker_;
};

}  // namespace

std::shared_ptr<BoxWork> NewPackWork(PackOptions options) {
  return std::make_shared<PackWork>(std::move(options));
}

std::shared_ptr<BoxWork> NewUnpackWork(UnpackOptions options) {
  return std::make_shared<UnpackWork>(std::move(options));
}

}  // namespace boxlite
