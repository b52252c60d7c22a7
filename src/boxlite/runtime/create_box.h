// Making a box: what is said and what the image says become one spec, which then appears in the
// home by one rename.
#pragma once

#include "boxlite/base/result.h"
#include "boxlite/runtime/home.h"
#include "boxlite/runtime/runtime.h"
#include "boxlite/store/image_record.h"

namespace boxlite {

// Pure. The merged, validated spec of a new box with this id. As docker: an entrypoint of the
// user's drops the image's Cmd; a command replaces it; the user's environment overrides single
// variables.
Result<BoxSpec> MergeSpec(const CreateOptions& options, const StoredImage& image, const BoxId& id,
                          std::int64_t now_ns);

// kAlreadyExists for a taken name. After an error nothing of the box is visible.
Status PublishBox(const Home& home, const BoxSpec& spec);

// Deletes what dead creators and removers left: boxes/.new-* nobody works on, .trash/*. Errors are
// ignored: the next call tries again.
void SweepLeftovers(const Home& home);

// NAME=VALUE entries of `over` replace those of `base` with the same NAME, in place; new ones
// follow.
std::vector<std::string> MergeEnvironment(const std::vector<std::string>& base,
                                          const std::vector<std::string>& over);

}  // namespace boxlite
