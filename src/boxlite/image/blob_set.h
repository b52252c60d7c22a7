// BlobSet: the named pieces of an image that lies in files: an OCI layout's directory, or an
// archive of one of the known forms. Whoever made them is not trusted: names reach nothing outside.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"
#include "boxlite/oci/byte_source.h"

namespace boxlite {

class BlobSet {
 public:
  virtual ~BlobSet() = default;

  // `name` is relative, with '/' between its parts. kNotFound: there is no such regular file.
  virtual Result<std::uint64_t> Size(const std::string& name) const = 0;
  // May be read while others are; lives no longer than the set.
  virtual Result<std::unique_ptr<ByteSource>> Open(const std::string& name) const = 0;

  bool Has(const std::string& name) const { return Size(name).ok(); }
  // The whole of a small one. kCorrupt when it is larger than `limit`.
  Result<std::string> ReadSmall(const std::string& name, std::size_t limit) const;
};

// The directory of an OCI layout. Symbolic links are followed as long as they stay below.
Result<std::unique_ptr<BlobSet>> OpenLayoutDirectory(Fd directory);

// A plain tar in a file that can be read anywhere (Spool() makes one). Reads all headers once.
// kCorrupt: it is no whole tar; kResourceExhausted: more members than any archive has.
Result<std::unique_ptr<BlobSet>> OpenArchive(Fd file);

// The bytes of an open file from `begin`, `size` of them; reads by position, so any number may
// share `fd`, which is borrowed. A shorter file is kCorrupt.
std::unique_ptr<ByteSource> NewFileSource(int fd, std::uint64_t begin, std::uint64_t size);

}  // namespace boxlite
