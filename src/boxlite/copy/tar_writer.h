// The headers of a tar stream: ustar where the entry fits into one, a pax record before it where it
// does not. Written by hand because libarchive turns names into the locale's characters: they are
// bytes here (docs/cp.md).
#pragma once

#include <string>

#include "boxlite/copy/tar_entry.h"

namespace boxlite {

// What stands before the entry's content: one block or more. A directory's name gets its '/'.
std::string EncodeTarHeader(const TarEntry& entry);

// What ends a stream.
std::string EncodeTarEnd();

}  // namespace boxlite
