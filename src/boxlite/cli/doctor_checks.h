// What a host needs for boxes, looked at piece by piece. Nothing is written, nothing is started but
// QEMU for its version and a trial guest of some milliseconds.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace boxlite::cli {

enum class Health { kOk, kWarn, kFail };

struct Finding {
  std::string check;  // "kvm", a stable short name
  Health health = Health::kOk;
  std::string detail;  // what was found
  std::string advice;  // what to do; empty when there is nothing to do
};

// `home`: --home, empty: not given. The home need not exist.
std::vector<Finding> ExamineHost(const std::string& home);

}  // namespace boxlite::cli
