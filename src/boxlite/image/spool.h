// Spool: whatever an archive comes as (a pipe, a compressed file) becomes a plain tar that can be
// read anywhere.
#pragma once

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

// `input` is borrowed. A regular file with a plain tar in it is used as it is; anything else is
// decompressed (gzip, zstd, bzip2, xz) into an unlinked file in `dir_fd`. Space is looked at while
// writing: kResourceExhausted before the disk is full. kCorrupt: damaged.
Result<Fd> Spool(int input, int dir_fd);

// An unlinked file for reading and writing.
Result<Fd> MakeUnlinkedFile(int dir_fd);

}  // namespace boxlite
