#include "boxlite/runtime/engine_choice.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "boxlite/base/cleanup.h"
#include "boxlite/base/files.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/vmm/accelerator.h"

namespace boxlite {
namespace {

constexpr char kShippedImage[] = "images/base";
constexpr std::string_view kFakeEngine = "fake:";

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string DirectoryOf(const std::string& path) { return path.substr(0, path.rfind('/')); }

Status RequireReadable(const std::string& path, const char* what) {
  if (::access(path.c_str(), R_OK) == 0) return {};
  return ErrnoError(std::string(what) + " " + path +
                    " (it belongs to boxlite's own files: build or install it again)");
}

// Copies `count` bytes at most, of the same place; returns how many. The kernel copies within a
// filesystem (and shares blocks where it can); between two it may refuse, and the bytes go through
// here.
ssize_t CopySome(int from, int to, off_t position, std::size_t count) {
  off_t source = position;
  off_t target = position;
  const ssize_t copied = ::copy_file_range(from, &source, to, &target, count, 0);
  if (copied > 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)) {
    return copied;
  }
  char buffer[64 * 1024];
  const ssize_t got = ::pread(from, buffer, std::min(count, sizeof buffer), position);
  if (got <= 0) return got;
  return ::pwrite(to, buffer, static_cast<std::size_t>(got), position);
}

// Copies data and keeps holes: an ext4 base is mostly empty.
Status CopySparse(int from, int to) {
  struct stat info = {};
  if (::fstat(from, &info) != 0) return ErrnoError("look at the image");
  if (::ftruncate(to, info.st_size) != 0) return ErrnoError("size the image");
  off_t position = 0;
  while (position < info.st_size) {
    const off_t data = ::lseek(from, position, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;
    const off_t hole = data < 0 ? info.st_size : ::lseek(from, data, SEEK_HOLE);
    const off_t end = hole < 0 ? info.st_size : hole;
    for (off_t at = data < 0 ? position : data; at < end;) {
      const ssize_t count = CopySome(from, to, at, static_cast<std::size_t>(end - at));
      if (count <= 0) return ErrnoError("copy the image");
      at += count;
    }
    position = end;
  }
  if (::fsync(to) != 0) return ErrnoError("fsync the image");
  return {};
}

std::string DigestDirectory(const std::string& digest) {
  std::string name = digest;
  std::replace(name.begin(), name.end(), ':', '-');
  return name;
}

bool WellFormedDigest(const std::string& digest) {
  constexpr std::string_view kPrefix = "sha256:";
  return digest.starts_with(kPrefix) && digest.size() == kPrefix.size() + 64 &&
         digest.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string::npos;
}

std::uint32_t BootDeadlineMs() {
  const std::string text = Environment("BOXLITE_BOOT_TIMEOUT_MS");
  const long given = text.empty() ? 0 : std::strtol(text.c_str(), nullptr, 10);
  if (given > 0 && given < 3'600'000) return static_cast<std::uint32_t>(given);
  return static_cast<std::uint32_t>(kBootDeadline.count());
}

}  // namespace

Result<std::string> FindLibexec(const std::string& given) {
  std::string path = given.empty() ? Environment("BOXLITE_LIBEXEC") : given;
  if (path.empty()) {
    char program[4096];
    const ssize_t length = ::readlink("/proc/self/exe", program, sizeof program);
    if (length <= 0) return ErrnoError("find the running program");
    path = DirectoryOf(DirectoryOf(std::string(program, static_cast<std::size_t>(length)))) +
           "/libexec/boxlite";
  }
  if (::access((path + "/boxlite-shim").c_str(), X_OK) != 0) {
    return Error(ErrorCode::kNotFound, "boxlite's helpers are not at " + path +
                                           ": install them there, or set BOXLITE_LIBEXEC");
  }
  return path;
}

Status ChooseEngine(const Home& home, const std::string& libexec, ShimBirth& birth) {
  birth.boot_deadline_ms = BootDeadlineMs();
  const std::string engine = Environment("BOXLITE_ENGINE");
  if (engine.starts_with(kFakeEngine)) {
    birth.engine_kind = "fake";
    birth.engine_program = engine.substr(kFakeEngine.size());
    birth.accelerator = "tcg";
    return {};
  }
  birth.engine_kind = "qemu";
  birth.kernel_path = libexec + "/vmlinux";
  birth.initramfs_path = libexec + "/initramfs.cpio";
  BOXLITE_RETURN_IF_ERROR(RequireReadable(birth.kernel_path, "the guest's kernel"));
  BOXLITE_RETURN_IF_ERROR(RequireReadable(birth.initramfs_path, "the guest's initramfs"));
  BOXLITE_ASSIGN_OR_RETURN(QemuBinary qemu, FindQemu());
  birth.engine_program = qemu.path;
  birth.engine_build = qemu.build;
  BOXLITE_ASSIGN_OR_RETURN(AcceleratorRequest request,
                           ParseAcceleratorRequest(birth.spec.accelerator));
  BOXLITE_ASSIGN_OR_RETURN(AcceleratorVerdict verdict,
                           ChooseAccelerator(request, qemu, home.fd(), CacheUse::kReadWrite));
  birth.accelerator = verdict.accelerator == Accelerator::kKvm ? "kvm" : "tcg";
  birth.accelerator_demanded = request == AcceleratorRequest::kKvm;
  birth.tsc_khz = verdict.tsc_khz;
  return {};
}

Result<ImageManifest> EnsureShippedImage(const Home& home, const std::string& libexec) {
  Result<Fd> libexec_dir = OpenDirectoryPath(libexec + "/" + kShippedImage);
  if (!libexec_dir.ok()) return std::move(libexec_dir).error().While("open the shipped image");
  BOXLITE_ASSIGN_OR_RETURN(std::string text,
                           ReadFile(libexec_dir->get(), "image.json", kMaxDocumentBytes));
  BOXLITE_ASSIGN_OR_RETURN(ImageManifest manifest, DecodeImageManifest(text));
  if (!WellFormedDigest(manifest.digest)) {
    return Error(ErrorCode::kCorrupt, "the shipped image has no sha256 digest");
  }
  const std::string name = DigestDirectory(manifest.digest);
  struct stat info = {};
  if (::fstatat(home.images_fd(), name.c_str(), &info, 0) == 0) return manifest;

  const std::string pending = kPendingPrefix + name + "-" + RandomHex(4);
  if (::mkdirat(home.images_fd(), pending.c_str(), 0700) != 0) return ErrnoError("make an image");
  Cleanup remove_pending([&] { static_cast<void>(RemoveTree(home.images_fd(), pending).ok()); });
  BOXLITE_ASSIGN_OR_RETURN(Fd directory, OpenDirectory(home.images_fd(), pending));
  Fd from(::openat(libexec_dir->get(), kBaseFile, O_RDONLY | O_CLOEXEC));
  if (!from.valid()) return ErrnoError("open the shipped image");
  Fd to(::openat(directory.get(), kBaseFile, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!to.valid()) return ErrnoError("make the image's base");
  BOXLITE_RETURN_IF_ERROR(CopySparse(from.get(), to.get()));
  BOXLITE_RETURN_IF_ERROR(
      WriteFileAtomically(directory.get(), "image.json", text, Durability::kDurable));
  if (::renameat2(home.images_fd(), pending.c_str(), home.images_fd(), name.c_str(),
                  RENAME_NOREPLACE) != 0) {
    if (errno == EEXIST) return manifest;  // another process was first, with the same bytes
    return ErrnoError("publish the image");
  }
  remove_pending.Cancel();
  BOXLITE_RETURN_IF_ERROR(SyncDirectory(home.images_fd()));
  return manifest;
}

Result<Fd> OpenImage(const Home& home, const std::string& digest) {
  if (!WellFormedDigest(digest)) return Error(ErrorCode::kCorrupt, "the box names no image");
  Result<Fd> image = OpenDirectory(home.images_fd(), DigestDirectory(digest));
  if (!image.ok()) {
    return Error(ErrorCode::kNotFound, "the image " + digest +
                                           " is gone from the home's images/: the box cannot start "
                                           "without it");
  }
  return image;
}

}  // namespace boxlite
