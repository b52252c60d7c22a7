#include "boxlite/cli/exec_list.h"

#include <nlohmann/json.hpp>

#include "boxlite/base/wall_clock.h"
#include "boxlite/cli/exec_view.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"quiet", 'q', "", "Ids only"},
    {"no-trunc", 0, "", "Shorten nothing"},
    {"format", 0, "table|json|yaml", "How to show them (a table unless said)"},
};
constexpr Syntax kSyntax = {kOptions, {}};

}  // namespace

std::optional<ExecListRequest> ParseExecList(std::span<const std::string> words) {
  const Result<Arguments> arguments = Arguments::Parse(kSyntax, words);
  if (!arguments.ok() || arguments->positionals().size() != 1) return std::nullopt;
  ExecListRequest request;
  request.box = arguments->positionals()[0];
  request.ids_only = arguments->Has("quiet");
  request.whole = arguments->Has("no-trunc");
  if (const std::optional<std::string> text = arguments->Last("format")) {
    Result<Format> format = ParseFormat(*text, "table, json, yaml");
    if (!format.ok()) return std::nullopt;
    request.format = *format;
  }
  return request;
}

int ExecuteExecList(Session& session, Runtime& runtime, const ExecListRequest& request) {
  Result<BoxId> id = runtime.Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  Result<std::vector<ExecInfo>> execs = runtime.Execs(*id);
  if (!execs.ok()) return session.Fail(execs.error());
  const std::int64_t now = WallClockNowNs();
  if (request.ids_only) {
    std::string ids;
    for (const ExecInfo& exec : *execs) ids += exec.id + "\n";
    session.console().Print(ids);
  } else if (request.format == Format::kTable) {
    session.console().Print(ExecTable(*execs, now, request.whole));
  } else {
    Document entries = Document::array();
    for (const ExecInfo& exec : *execs) entries.push_back(ExecEntry(exec, now));
    session.console().Print(Formatted(entries, request.format));
  }
  return kExitOk;
}

}  // namespace boxlite::cli
