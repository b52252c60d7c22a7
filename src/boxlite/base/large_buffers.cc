#include "boxlite/base/large_buffers.h"

#ifdef __linux__
#include <malloc.h>
#endif

namespace boxlite {

void KeepLargeBuffers() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
#endif
}

}  // namespace boxlite
