#include "boxlite/runtime/engine_choice.h"

#include <unistd.h>

#include <cstdlib>

#include "boxlite/runtime/budgets.h"
#include "boxlite/store/image_store.h"
#include "boxlite/vmm/accelerator.h"

namespace boxlite {
namespace {

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

Result<Fd> OpenBoxImage(const Home& home, const std::string& digest) {
  BOXLITE_ASSIGN_OR_RETURN(ImageStore store, ImageStore::Open(home.fd()));
  Result<Fd> image = store.OpenImage(digest);
  if (image.ok() || image.error().code() != ErrorCode::kNotFound) return image;
  return Error(ErrorCode::kNotFound, "the image " + digest +
                                         " is gone from the home's images/: the box cannot start "
                                         "without it");
}

}  // namespace boxlite
