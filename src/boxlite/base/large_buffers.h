// How this process's malloc treats large buffers.
#pragma once

namespace boxlite {

// For a program that streams, at its begin: a buffer comes and goes with every chunk, and malloc by
// itself gives its pages back to the kernel each time, which costs more than to fill them. Up to
// 4 MiB of freed memory stay with the process.
void KeepLargeBuffers();

}  // namespace boxlite
