// Images: what boxes are made from.
#pragma once

#include <string>
#include <vector>

#include "boxlite/export.h"

BOXLITE_BEGIN_NAMESPACE

// The image that ships with every build: busybox and nothing else.
inline constexpr char kBaseImage[] = "boxlite/base";

// One image that boxes can be made from now.
struct ImageInfo {
  std::string name;      // what BoxOptions::image says
  std::string digest;    // "sha256:<hex>"; what it is, whatever its name will mean later
  bool shipped = false;  // it comes with this build; it is copied into the home at its first use
  bool in_home = false;  // its files are in this home
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> env;  // KEY=VALUE
  std::string working_dir;
  std::string user;
};

BOXLITE_END_NAMESPACE
