#include "boxlite/cli/version.h"

#include <nlohmann/json.hpp>

#include "boxlite/cli/document.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/rpc/serial_handshake.h"
#include "boxlite/runtime/shim_birth.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"format", 0, "text|json|yaml", "How to show it (text unless said)"}};

#if defined(__clang__)
constexpr char kCompiler[] = "clang " __clang_version__;
#else
constexpr char kCompiler[] = "g++ " __VERSION__;
#endif

int ExecuteVersion(Session& session, const ReportRequest& request) {
  Document report = Document::object();
  report["version"] = VersionText();
  report["build"] = BOXLITE_BUILD_TYPE;
  report["compiler"] = kCompiler;
  report["specFormat"] = kSpecFormat;
  report["shimProtocol"] = kShimProtocolVersion;
  report["guestProtocol"] = kAgentProtocolVersion;
  if (request.format != Format::kTable) {
    session.console().Print(Formatted(report, request.format));
    return kExitOk;
  }
  std::string text = VersionLine();
  for (const auto& [key, value] : report.items()) {
    if (key == "version") continue;
    text +=
        "  " + key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  }
  session.console().Print(text);
  return kExitOk;
}

}  // namespace

std::string VersionText() { return BOXLITE_VERSION; }
std::string VersionLine() { return "boxlite version " + VersionText() + "\n"; }

Result<ReportRequest> ParseVersion(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  ReportRequest request;
  BOXLITE_ASSIGN_OR_RETURN(request.format,
                           ParseFormat(arguments.LastOr("format", "text"), "text, json, yaml"));
  return request;
}

constinit const Subcommand kVersion = {
    .name = "version",
    .aliases = "",
    .purpose = "Show the version of this program and of what it speaks",
    .usage = "[OPTIONS]",
    .notes = "",
    .examples = "boxlite version --format json\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseVersion, ExecuteVersion>,
};

}  // namespace boxlite::cli
