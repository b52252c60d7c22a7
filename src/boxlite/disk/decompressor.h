// Decompressors: a stored layer as the tar stream that is in it.
#pragma once

#include <memory>
#include <string>

#include "boxlite/base/result.h"
#include "boxlite/oci/byte_source.h"

namespace boxlite {

// kDetect looks at the first bytes: what a manifest calls a layer is often wrong, its bytes are
// not.
enum class Compression { kDetect, kNone, kGzip, kZstd };

// Reads from `stored`, which must outlive what is returned. Reads the first bytes at once. Memory:
// under 1 MiB for gzip, the stream's window (128 MiB at most) for zstd. gzip may have several
// members; what follows the last one, or a zstd frame, and is none, is an error (kCorrupt), as is
// an early end. kUnsupported for compressions that are known and not read (xz, bzip2).
Result<std::unique_ptr<ByteSource>> MakeDecompressor(ByteSource& stored, Compression compression);

}  // namespace boxlite
