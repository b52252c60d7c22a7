// What this program is.
#pragma once

#include <string>

namespace boxlite::cli {

std::string VersionText();  // "0.1.0"
std::string VersionLine();  // "boxlite version 0.1.0\n"

}  // namespace boxlite::cli
