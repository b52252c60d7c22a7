#include <algorithm>
#include <nlohmann/json.hpp>

#include "boxlite/cli/doctor_checks.h"
#include "boxlite/cli/document.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"format", 0, "text|json|yaml", "How to show it (text unless said)"}};

std::string HealthName(Health health) {
  switch (health) {
    case Health::kOk:
      return "ok";
    case Health::kWarn:
      return "warn";
    case Health::kFail:
      return "fail";
  }
  return "";
}

std::string FindingsText(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& finding : findings) width = std::max(width, finding.check.size());
  std::string text;
  for (const Finding& finding : findings) {
    const std::string health = HealthName(finding.health);
    text += health + std::string(6 - health.size(), ' ') + finding.check +
            std::string(width - finding.check.size() + 2, ' ') + PrintableText(finding.detail) +
            "\n";
    if (!finding.advice.empty()) {
      text += std::string(width + 8, ' ') + "-> " + PrintableText(finding.advice) + "\n";
    }
  }
  const auto count = [&](Health health) {
    return std::to_string(
        std::count_if(findings.begin(), findings.end(),
                      [&](const Finding& finding) { return finding.health == health; }));
  };
  return text + "\n" + count(Health::kOk) + " ok, " + count(Health::kWarn) + " to know of, " +
         count(Health::kFail) + " that keep boxes from running\n";
}

int ExecuteDoctor(Session& session, const ReportRequest& request) {
  const std::vector<Finding> findings = ExamineHost(session.home());
  if (request.format == Format::kTable) {
    session.console().Print(FindingsText(findings));
  } else {
    Document report = Document::array();
    for (const Finding& finding : findings) {
      Document entry = Document::object();
      entry["check"] = finding.check;
      entry["health"] = HealthName(finding.health);
      entry["detail"] = finding.detail;
      entry["advice"] = finding.advice;
      report.push_back(std::move(entry));
    }
    session.console().Print(Formatted(report, request.format));
  }
  const bool failed = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.health == Health::kFail;
  });
  return failed ? kExitFailure : kExitOk;
}

}  // namespace

Result<ReportRequest> ParseDoctor(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  ReportRequest request;
  BOXLITE_ASSIGN_OR_RETURN(request.format,
                           ParseFormat(arguments.LastOr("format", "text"), "text, json, yaml"));
  return request;
}

constinit const Subcommand kDoctor = {
    .name = "doctor",
    .aliases = "",
    .purpose = "Look whether this host can run boxes, and say what to do where it cannot",
    .usage = "[OPTIONS]",
    .notes = "Writes nothing. The exit code is 1 when something keeps boxes from running.\n",
    .examples = "boxlite doctor\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseDoctor, ExecuteDoctor>,
};

}  // namespace boxlite::cli
