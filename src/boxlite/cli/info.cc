#include <sys/utsname.h>

#include <nlohmann/json.hpp>

#include "boxlite/cli/document.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/version.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {{"format", 'f', "yaml|json", "How to show it (yaml unless said)"}};

// "kvm: the micro guest ran" -> "kvm"
std::string FirstWord(const std::string& text) { return text.substr(0, text.find(':')); }

int ExecuteInfo(Session& session, const ReportRequest& request) {
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<HomeInfo> info = (*runtime)->Info();
  if (!info.ok()) return session.Fail(info.error());
  utsname host = {};
  ::uname(&host);
  Document report = Document::object();
  report["version"] = VersionText();
  report["homeDir"] = info->path;
  report["homeExists"] = info->exists;
  report["filesystem"] = info->filesystem;
  report["virtualization"] = FirstWord(info->accelerator);
  report["accelerator"] = info->accelerator;
  report["engine"] = info->engine;
  report["kernel"] = info->kernel;
  report["helpersDir"] = info->libexec;
  report["os"] = host.sysname;
  report["osRelease"] = host.release;
  report["arch"] = host.machine;
  report["boxesTotal"] = info->boxes;
  report["boxesRunning"] = info->running;
  report["boxesStopped"] = info->stopped;
  report["boxesFailed"] = info->failed;
  report["boxesConfigured"] = info->configured;
  report["imagesCount"] = info->images;
  session.console().Print(Formatted(report, request.format));
  return kExitOk;
}

}  // namespace

Result<ReportRequest> ParseInfo(const Arguments& arguments) {
  BOXLITE_RETURN_IF_ERROR(ExpectNoPositionals(arguments));
  ReportRequest request;
  BOXLITE_ASSIGN_OR_RETURN(request.format,
                           ParseFormat(arguments.LastOr("format", "yaml"), "yaml, json"));
  return request;
}

constinit const Subcommand kInfo = {
    .name = "info",
    .aliases = "",
    .purpose = "Show the home, its boxes in numbers, and what this host runs them with",
    .usage = "[OPTIONS]",
    .notes = "",
    .examples = "boxlite info\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseInfo, ExecuteInfo>,
};

}  // namespace boxlite::cli
