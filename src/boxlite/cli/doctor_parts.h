// The two halves of ExamineHost().
#pragma once

#include "boxlite/cli/doctor_checks.h"

namespace boxlite::cli {

void ExamineMachine(std::vector<Finding>& findings);
void ExamineHome(const std::string& home, std::vector<Finding>& findings);

}  // namespace boxlite::cli
