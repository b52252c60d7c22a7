#include <unistd.h>

#include "boxlite/cli/progress.h"
#include "boxlite/cli/requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr Option kOptions[] = {
    {"archive", 'a', "", "Keep owners, by number (root's affair on the host)"},
    {"follow-link", 'L', "", "Copy what SRC points to when it is a symbolic link"},
    {"quiet", 'q', "", "No progress on a terminal, no summary"},
};

Error Invalid(const std::string& what) { return Error(ErrorCode::kInvalidArgument, what); }

struct Side {
  std::string box;  // empty: on the host
  std::string path;
  bool stream = false;  // "-"
};

// "BOX:PATH", unless it begins as a path of the host does: so that a file with a colon in its name
// can be said, as ./a:b.
Result<Side> ParseSide(const std::string& word) {
  if (word.empty()) return Invalid("an empty path");
  if (word == "-") return Side{"", "", true};
  const std::size_t colon = word.find(':');
  if (word[0] == '/' || word[0] == '.' || colon == std::string::npos) return Side{"", word, false};
  if (colon == 0) return Invalid("a box is missing before ':' in " + word);
  Side side{word.substr(0, colon), word.substr(colon + 1), false};
  if (side.path.empty()) side.path = "/";
  return side;
}

std::string Counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void TellReport(Console& console, const CopyRequest& request, const CopyReport& report,
                bool on_terminal) {
  for (const std::string& note : report.notes) console.Note(note);
  if (report.skipped > 0) {
    console.Note(Counted(report.skipped, "special file") +
                 " left out: sockets, devices and the kernel's own filesystems are not copied");
  }
  if (!on_terminal || request.options.stream_fd >= 0) return;
  const bool into = request.options.direction == CopyOptions::Direction::kIntoBox;
  console.Note("copied " + BinarySize(report.bytes) + " to " +
               (into ? request.box + ":" + request.options.box_path : request.options.host_path));
}

int ExecuteCopy(Session& session, const CopyRequest& request) {
  Console& console = session.console();
  CopyOptions options = request.options;
  const bool to_stream =
      options.stream_fd >= 0 && options.direction == CopyOptions::Direction::kOutOfBox;
  if (to_stream) options.stream_fd = console.out_fd();
  if (to_stream && ::isatty(options.stream_fd) == 1) {
    return session.Fail(
        Invalid("a tar stream is not written to a terminal: pass it on, as in "
                "'boxlite cp BOX:PATH - | tar -x'"));
  }
  Result<Runtime*> runtime = session.runtime();
  if (!runtime.ok()) return session.Fail(runtime.error());
  Result<BoxId> id = (*runtime)->Resolve(request.box);
  if (!id.ok()) return session.Fail(id.error());
  ProgressLine progress(request.quiet ? -1 : console.err_fd());
  if (progress.shown()) {
    options.on_progress = [&](std::uint64_t bytes, std::uint64_t total) {
      progress.Update(bytes, total);
    };
  }
  Result<CopyReport> report = (*runtime)->Copy(*id, options);
  progress.Erase();
  if (report.ok()) {
    TellReport(console, request, *report, progress.shown());
    return kExitOk;
  }
  if (to_stream && IsOfReaderThatLeft(report.error(), options.stream_fd)) return kExitReaderLeft;
  return session.Fail(std::move(report).error().While("cp"));
}

}  // namespace

Result<CopyRequest> ParseCopy(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (words.size() != 2) return Invalid("cp takes a source and a destination");
  BOXLITE_ASSIGN_OR_RETURN(const Side from, ParseSide(words[0]));
  BOXLITE_ASSIGN_OR_RETURN(const Side to, ParseSide(words[1]));
  if (!from.box.empty() && !to.box.empty()) {
    return Error(ErrorCode::kUnsupported,
                 "from box to box nothing is copied at once; copy by a stream: boxlite cp " +
                     words[0] + " - | boxlite cp - BOX:DIRECTORY");
  }
  if (from.box.empty() && to.box.empty()) {
    return Invalid("neither path is in a box: one of them is BOX:PATH");
  }
  CopyRequest request;
  const bool into = !to.box.empty();
  const Side& box = into ? to : from;
  const Side& host = into ? from : to;
  request.box = box.box;
  request.quiet = arguments.Has("quiet");
  request.options.direction =
      into ? CopyOptions::Direction::kIntoBox : CopyOptions::Direction::kOutOfBox;
  request.options.box_path = box.path;
  request.options.host_path = host.path;
  if (host.stream) request.options.stream_fd = into ? 0 : 1;
  request.options.follow_link = arguments.Has("follow-link");
  request.options.keep_owners = arguments.Has("archive");
  return request;
}

constinit const Subcommand kCopy = {
    .name = "cp",
    .aliases = "",
    .purpose = "Copy files between a box and the host",
    .usage = "[OPTIONS] BOX:SRC DST|-\n       boxlite cp [OPTIONS] SRC|- BOX:DST",
    .notes =
        "A file goes to DST, or into DST when that is a directory. A directory becomes DST, or\n"
        "goes into DST when that is there; with SRC/. only what is in it does. DST/ must be a\n"
        "directory. '-' is a tar stream: read into the directory DST, or written of SRC.\n"
        "Files made in a box belong to its user, files made on the host to you, unless -a is\n"
        "given. A stopped box without a command of its own is booted for it and stopped again.\n",
    .examples =
        "boxlite cp ./src web:/app\n"
        "boxlite cp web:/var/log/. ./logs\n"
        "tar -c . | boxlite cp - web:/app\n"
        "boxlite cp web:/etc - | tar -t\n",
    .syntax = {kOptions, {}},
    .prepare = Prepare<ParseCopy, ExecuteCopy>,
};

}  // namespace boxlite::cli
