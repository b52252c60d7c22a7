// The JSON documents of a box's directory, to and from bytes. Decoding is strict: anything that is
// not exactly such a document is kCorrupt, and never throws. Strings are bytes: what is not UTF-8
// is written as {"base64": "..."}.
#pragma once

#include <string>
#include <string_view>

#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/box_state.h"
#include "boxlite/runtime/shim_birth.h"

namespace boxlite {

// No document of ours comes near it; larger files are not ours.
inline constexpr std::size_t kMaxDocumentBytes = 16 * 1024 * 1024;

std::string EncodeRecord(const LifeRecord& record);
Result<LifeRecord> DecodeRecord(std::string_view json);

std::string EncodeMainExit(const MainExit& main_exit);
Result<MainExit> DecodeMainExit(std::string_view json);

std::string EncodeOutcome(const LifeOutcome& outcome);
Result<LifeOutcome> DecodeOutcome(std::string_view json);

std::string EncodeBirth(const ShimBirth& birth);
Result<ShimBirth> DecodeBirth(std::string_view json);

std::string EncodeReport(const StartReport& report);
Result<StartReport> DecodeReport(std::string_view json);

std::string EncodeHolder(const LockHolder& holder);
Result<LockHolder> DecodeHolder(std::string_view json);

}  // namespace boxlite
