// Kernel modules, from the initramfs: /modules.list names them in the order of loading,
// /modules/NAME.ko holds each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

// The names of a list, one a line. Pure. Blank lines are skipped. kInvalidArgument for a name with
// anything but letters, digits, '-' and '_'.
Result<std::vector<std::string>> ParseModuleList(std::string_view text);

// The modules up to and including `last`, resp. those after it: the port's driver comes first, so
// that the host is answered while the disk's is loaded.
struct ModuleSplit {
  std::vector<std::string> first;
  std::vector<std::string> rest;
};
ModuleSplit SplitModules(std::vector<std::string> names, std::string_view last);

// Loads one and removes its file, which is memory. One that is loaded already, or built into the
// kernel, is fine.
Status LoadModule(const std::string& name);

}  // namespace boxlite
