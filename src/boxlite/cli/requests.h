// What the user asked for, as plain values, one a subcommand; and the pure functions that read them
// off the command line. An error (kInvalidArgument, kUnsupported) names the option or argument at
// fault.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boxlite/cli/arguments.h"
#include "boxlite/cli/box_filter.h"
#include "boxlite/cli/event_filter.h"
#include "boxlite/runtime/runtime.h"

namespace boxlite::cli {

enum class Format { kTable, kJson, kYaml, kTemplate, kTemplateTable };

Status ExpectNoPositionals(const Arguments& arguments);

struct CreateRequest {
  CreateOptions options;
  std::vector<std::string> unknown_variables;  // -e NAME that the caller does not have
  bool quiet = false;                          // no progress of getting the image
};
Result<CreateRequest> ParseCreate(const Arguments& arguments);

// How this process stands by a program in a box.
struct ClientRequest {
  std::string detach_keys;  // bytes; empty: nothing detaches
  bool proxies_signals = true;
};

struct RunRequest {
  CreateRequest box;
  bool detach = false;
  ClientRequest client;
};
Result<RunRequest> ParseRun(const Arguments& arguments);

struct BoxesRequest {
  std::vector<std::string> boxes;  // at least one
};
Result<BoxesRequest> ParseBoxes(const Arguments& arguments);

struct StartRequest {
  std::vector<std::string> boxes;  // one, with attach
  bool attach = false;
  bool interactive = false;
  ClientRequest client;
};
Result<StartRequest> ParseStart(const Arguments& arguments);

struct AttachRequest {
  std::string box;
  std::string exec;          // empty: main
  bool interactive = false;  // execs only: feed its input
  std::uint64_t stdout_from = 0;
  std::uint64_t stderr_from = 0;
  bool no_stdin = false;
  ClientRequest client;
};
Result<AttachRequest> ParseAttach(const Arguments& arguments);

struct StopRequest {
  std::vector<std::string> boxes;
  std::chrono::milliseconds grace{0};
};
Result<StopRequest> ParseStop(const Arguments& arguments);

struct KillRequest {
  std::vector<std::string> boxes;
  std::string exec;  // empty: main
  int signal = 0;
};
Result<KillRequest> ParseKill(const Arguments& arguments);

struct RemoveRequest {
  std::vector<std::string> boxes;
  Runtime::Force force = Runtime::Force::kNo;
};
Result<RemoveRequest> ParseRemove(const Arguments& arguments);

struct WaitRequest {
  std::vector<std::string> boxes;
  std::string exec;  // empty: main
};
Result<WaitRequest> ParseWait(const Arguments& arguments);

struct ExecListRequest {
  std::string box;
  bool ids_only = false;
  bool whole = false;  // nothing is shortened
  Format format = Format::kTable;
};

struct ExecRequest {
  std::string box;
  ExecOptions options;
  bool interactive = false;
  bool terminal = false;
  bool detach = false;
  ClientRequest client;
  std::vector<std::string> unknown_variables;
  // `exec ls BOX`, unless a box is called ls: then it is the command BOX in that one.
  std::optional<ExecListRequest> list;
};
Result<ExecRequest> ParseExec(const Arguments& arguments);

struct CopyRequest {
  std::string box;
  CopyOptions options;
  bool quiet = false;
};
Result<CopyRequest> ParseCopy(const Arguments& arguments);

struct LogsRequest {
  std::string box;
  bool follow = false;
  std::optional<std::uint64_t> tail_lines;
  std::optional<std::int64_t> since_ns;
  std::optional<std::int64_t> until_ns;
  bool timestamps = false;
};
Result<LogsRequest> ParseLogs(const Arguments& arguments);

struct TopRequest {
  std::string box;
  Format format = Format::kTable;
};
Result<TopRequest> ParseTop(const Arguments& arguments);

struct StatsRequest {
  std::vector<std::string> boxes;  // none: all that run
  bool once = false;
  Format format = Format::kTable;
};
Result<StatsRequest> ParseStats(const Arguments& arguments);

struct ListRequest {
  bool all = false;
  bool ids_only = false;
  bool whole = false;  // nothing is shortened
  bool sizes = false;
  std::optional<std::uint64_t> most;  // the newest so many
  BoxFilter filter;
  Format format = Format::kTable;
  std::string template_text;  // kTemplate, kTemplateTable
};
Result<ListRequest> ParseList(const Arguments& arguments);

struct InspectRequest {
  std::vector<std::string> boxes;
  Format format = Format::kJson;
  std::string template_text;  // kTemplate
};
Result<InspectRequest> ParseInspect(const Arguments& arguments);

struct RenameRequest {
  std::string box;
  std::string name;
};
Result<RenameRequest> ParseRename(const Arguments& arguments);

struct PruneRequest {
  bool force = false;
  bool filtered = false;
  BoxFilter filter;
};
Result<PruneRequest> ParsePrune(const Arguments& arguments);

struct EventsRequest {
  std::optional<std::int64_t> since_ns;
  std::optional<std::int64_t> until_ns;
  EventFilter filter;
  Format format = Format::kTable;  // kTable: lines of text; kJson: one document a line
  std::string template_text;       // kTemplate
};
Result<EventsRequest> ParseEvents(const Arguments& arguments);

// info, doctor and version.
struct ReportRequest {
  Format format = Format::kTable;
};
Result<ReportRequest> ParseInfo(const Arguments& arguments);
Result<ReportRequest> ParseDoctor(const Arguments& arguments);
Result<ReportRequest> ParseVersion(const Arguments& arguments);

}  // namespace boxlite::cli
