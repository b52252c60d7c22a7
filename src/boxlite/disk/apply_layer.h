// ApplyLayer: one layer's tar stream into the tree and the base.
#pragma once

#include <cstdint>
#include <functional>

#include "boxlite/base/result.h"
#include "boxlite/disk/block_store.h"
#include "boxlite/disk/image_tree.h"
#include "boxlite/disk/layer_reader.h"

namespace boxlite {

struct ApplyLimits {
  std::uint64_t entries = 0;  // that may still come; lowered as they do
  std::uint64_t file_bytes = 0;
};

// Errors name the path.
Status ApplyLayer(LayerReader& reader, ImageTree& tree, BlockStore& store, ApplyLimits& limits);

}  // namespace boxlite
