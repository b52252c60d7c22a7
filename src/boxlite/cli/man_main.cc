// boxlite-man-writer DIRECTORY DATE: writes the man pages. A tool of the build, never installed.
#include <cstdio>
#include <fstream>
#include <string>

#include "boxlite/cli/man_page.h"

namespace {

bool Write(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return true;
  std::fprintf(stderr, "boxlite-man-writer: cannot write %s\n", path.c_str());
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: boxlite-man-writer DIRECTORY DATE\n");
    return 2;
  }
  const std::string directory = argv[1];
  const std::string date = argv[2];
  bool written = Write(directory + "/boxlite.1", boxlite::cli::ProgramManPage(date));
  for (const boxlite::cli::Subcommand* subcommand : boxlite::cli::AllSubcommands()) {
    const std::string path = directory + "/boxlite-" + std::string(subcommand->name) + ".1";
    written = Write(path, boxlite::cli::SubcommandManPage(*subcommand, date)) && written;
  }
  return written ? 0 : 1;
}
