// Between the public types (include/boxlite, boxlite::v0) and the library's own (boxlite).
#pragma once

#include <utility>
#include <vector>

#include "boxlite/box.h"
#include "boxlite/error.h"
#include "boxlite/image.h"
#include "boxlite/runtime.h"
#include "boxlite/runtime/images.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::v0::internal {

namespace inner = ::boxlite;

Error ToPublic(const inner::Error& error);
ExitStatus ToPublic(const inner::ProcessExit& exit);
BoxInfo ToPublic(const inner::BoxInfo& info);
BoxUsage ToPublic(const inner::BoxUse& use);
CopyReport ToPublic(const inner::CopyReport& report);
StopResult ToPublic(const inner::EndReport& report);
std::vector<ImageInfo> ToPublic(const std::vector<inner::ImageEntry>& images);
HomeInfo ToPublic(const inner::HomeInfo& info);
ExecResult ToPublic(const inner::ProgramEnd& end);
ExecutionInfo ToPublic(const inner::ExecInfo& info);
inline std::string ToPublic(const std::string& text) { return text; }
inner::CreateOptions FromPublic(const BoxOptions& options);
inner::ExecOptions FromPublic(const ExecOptions& options);  // without its streams
inner::Attachment FromPublic(Attachment attachment);

template <typename T>
auto ToPublic(const std::vector<T>& all) -> std::vector<decltype(ToPublic(all.front()))> {
  std::vector<decltype(ToPublic(all.front()))> out;
  out.reserve(all.size());
  for (const T& one : all) out.push_back(ToPublic(one));
  return out;
}

inline Status ToPublic(const inner::Status& status) {
  return status.ok() ? Status() : Status(ToPublic(status.error()));
}
template <typename T>
auto ToPublic(const inner::Result<T>& result) -> Result<decltype(ToPublic(*result))> {
  if (!result.ok()) return ToPublic(result.error());
  return ToPublic(*result);
}

}  // namespace boxlite::v0::internal
