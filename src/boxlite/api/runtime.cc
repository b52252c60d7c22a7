#include "boxlite/runtime.h"

#include <cstdlib>

#include "boxlite/api/call.h"
#include "boxlite/api/library_place.h"
#include "boxlite/runtime/home.h"

namespace boxlite::v0 {
namespace {

using internal::Ask;
using internal::FromPublic;
using internal::ToPublic;
namespace inner = ::boxlite;

void RemoveIt(inner::Runtime& runtime, const inner::BoxId& id) {
  static_cast<void>(runtime.Remove(id, inner::Runtime::Force::kYes).ok());
}

// A box that a call made whose caller has left, or that did not start, is nobody's.
void RemoveWhatWasMade(inner::Runtime& runtime, Result<std::string>& made) {
  if (made.ok()) RemoveIt(runtime, *inner::BoxId::Parse(*made));
}

}  // namespace

const char* Version() noexcept { return BOXLITE_VERSION; }

Runtime::Runtime(std::shared_ptr<internal::Core> core) : core_(std::move(core)) {}
Runtime::Runtime(Runtime&& other) noexcept = default;

Runtime& Runtime::operator=(Runtime&& other) noexcept {
  if (this != &other) {
    Close();
    core_ = std::move(other.core_);
  }
  return *this;
}

Runtime::~Runtime() { Close(); }

void Runtime::Close() noexcept {
  if (core_) core_->Close();
}

Result<Runtime> Runtime::Open(RuntimeOptions options) {
  // Said now, by what the environment is now: threads of the library's do not read it later, beside
  // an embedder that may change it.
  inner::Result<std::string> home = inner::Home::ResolvePath(options.home);
  if (!home.ok()) return ToPublic(home.error());
  options.home = *home;
  if (options.libexec.empty()) options.libexec = internal::FindHelpersBesideLibrary();
  Result<std::shared_ptr<internal::Core>> core = internal::Core::Open(std::move(options));
  if (!core.ok()) return core.error();
  return Runtime(std::move(*core));
}

Result<Box> Runtime::Create(const BoxOptions& options, Timeout timeout) {
  Result<std::string> id = Ask<Result<std::string>>(
      core_, "create a box", timeout,
      [wanted = FromPublic(options)](inner::Runtime& runtime) -> Result<std::string> {
        const inner::Result<inner::BoxId> made = runtime.Create(wanted);
        if (!made.ok()) return ToPublic(made.error());
        return made->str();
      },
      RemoveWhatWasMade);
  if (!id.ok()) return id.error();
  return Box(core_, std::move(*id));
}

Result<Box> Runtime::Run(const BoxOptions& options, Attachment attachment, Timeout timeout) {
  Result<std::string> id = Ask<Result<std::string>>(
      core_, "run a box", timeout,
      [wanted = FromPublic(options),
       how = FromPublic(attachment)](inner::Runtime& runtime) -> Result<std::string> {
        const inner::Result<inner::BoxId> made = runtime.Create(wanted);
        if (!made.ok()) return ToPublic(made.error());
        const inner::Status started = runtime.Start(*made, how);
        if (started.ok()) return made->str();
        RemoveIt(runtime, *made);
        return ToPublic(started.error());
      },
      RemoveWhatWasMade);
  if (!id.ok()) return id.error();
  return Box(core_, std::move(*id));
}

Result<Box> Runtime::Find(const std::string& reference, Timeout timeout) {
  Result<std::string> id = Ask<Result<std::string>>(
      core_, "find box " + reference, timeout,
      [reference](inner::Runtime& runtime) -> Result<std::string> {
        const inner::Result<inner::BoxId> found = runtime.Resolve(reference);
        if (!found.ok()) return ToPublic(found.error());
        return found->str();
      });
  if (!id.ok()) return id.error();
  return Box(core_, std::move(*id));
}

Result<std::vector<BoxInfo>> Runtime::List(Timeout timeout) {
  return Ask<Result<std::vector<BoxInfo>>>(
      core_, "list the boxes", timeout,
      [](inner::Runtime& runtime) { return ToPublic(runtime.List()); });
}

Result<std::vector<ImageInfo>> Runtime::Images(Timeout timeout) {
  return Ask<Result<std::vector<ImageInfo>>>(
      core_, "list the images", timeout, [core = core_](inner::Runtime&) {
        return ToPublic(inner::Images(core->options().home, core->options().libexec).List());
      });
}

Result<HomeInfo> Runtime::Info(Timeout timeout) {
  return Ask<Result<HomeInfo>>(core_, "look at the home", timeout,
                               [](inner::Runtime& runtime) { return ToPublic(runtime.Info()); });
}

}  // namespace boxlite::v0
