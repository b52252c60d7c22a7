// boxlite: the command line of the box runtime. The verbs are in this folder, one file each.
#include <signal.h>

#include <string>
#include <vector>

#include "boxlite/base/large_buffers.h"
#include "boxlite/cli/console.h"
#include "boxlite/cli/subcommand.h"

int main(int argc, char** argv) {
  boxlite::cli::EnsureStandardDescriptors();
  // `boxlite stop a b c | head -1` stops all three: Console remembers that its reader has left.
  // Programs that we start get the default back (base/spawn.h).
  ::signal(SIGPIPE, SIG_IGN);
  boxlite::KeepLargeBuffers();
  boxlite::cli::Console console;
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return boxlite::cli::RunProgramLine(console, words);
}
