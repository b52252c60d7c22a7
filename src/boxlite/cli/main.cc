// boxlite: the command line of the box runtime. The verbs are in this folder, one file each.
#include <string>
#include <vector>

#include "boxlite/cli/console.h"
#include "boxlite/cli/subcommand.h"

int main(int argc, char** argv) {
  boxlite::cli::EnsureStandardDescriptors();
  boxlite::cli::Console console;
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return boxlite::cli::RunProgramLine(console, words);
}
