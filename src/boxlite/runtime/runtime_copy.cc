// Runtime::Copy(): decides by copy/plan_copy.h, then connects the two ends of one tar stream.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "boxlite/base/files.h"
#include "boxlite/copy/plan_copy.h"
#include "boxlite/copy/unpack.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/copy_streams.h"
#include "boxlite/runtime/program_input.h"
#include "boxlite/runtime/runtime_impl.h"

namespace boxlite {
namespace {

Result<PathFacts> LookAtHost(const std::string& path, bool follow) {
  struct stat info = {};
  PathFacts facts;
  if (::fstatat(AT_FDCWD, path.c_str(), &info, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return facts;
    if (errno == ENOTDIR || errno == ELOOP) {
      return Error(ErrorCode::kConflict, ErrnoError(path).message());
    }
    return ErrnoError(path);
  }
  switch (info.st_mode & S_IFMT) {
    case S_IFREG:
      facts.kind = PathFacts::Kind::kFile;
      facts.size = static_cast<std::uint64_t>(info.st_size);
      break;
    case S_IFDIR:
      facts.kind = PathFacts::Kind::kDirectory;
      break;
    case S_IFLNK: {
      char target[PATH_MAX];
      const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
      if (size < 0) return ErrnoError(path);
      facts.kind = PathFacts::Kind::kSymlink;
      facts.link_target.assign(target, static_cast<std::size_t>(size));
      break;
    }
    default:
      facts.kind = PathFacts::Kind::kOther;
      break;
  }
  return facts;
}

// Its paths are the box's.
Status FromBox(wire::Error::Reader error) {
  Status status = FromWire(error);
  if (status.ok()) return status;
  return std::move(status).error().While("in the box");
}

Result<PathFacts> LookIntoBox(ShimClient& client, const std::string& path, bool follow) {
  auto request = client.shim().pathInfoRequest();
  request.setPath(AsBytes(path));
  request.setFollowLink(follow);
  using Answer = capnp::Response<wire::Shim::PathInfoResults>;
  BOXLITE_ASSIGN_OR_RETURN(Answer answer, client.Await<Answer>(request.send()));
  BOXLITE_RETURN_IF_ERROR(FromBox(answer.getError()));
  const auto info = answer.getInfo();
  PathFacts facts;
  facts.shown = PrintableText(path) + " in the box";
  facts.size = info.getSize();
  facts.link_target = AsText(info.getLinkTarget());
  switch (info.getKind()) {
    case wire::PathInfo::Kind::ABSENT:
      return facts;
    case wire::PathInfo::Kind::FILE:
      facts.kind = PathFacts::Kind::kFile;
      return facts;
    case wire::PathInfo::Kind::DIRECTORY:
      facts.kind = PathFacts::Kind::kDirectory;
      return facts;
    case wire::PathInfo::Kind::SYMLINK:
      facts.kind = PathFacts::Kind::kSymlink;
      return facts;
    case wire::PathInfo::Kind::OTHER:
      break;
  }
  facts.kind = PathFacts::Kind::kOther;
  return facts;
}

std::string InBox(const std::string& path) { return path.starts_with('/') ? path : "/" + path; }

// One copy over one connection.
class CopyCall {
 public:
  CopyCall(kj::AsyncIoContext& io, ShimClient& client, const CopyOptions& options)
      : io_(io), client_(client), options_(options) {}

  Result<CopyReport> Into();
  Result<CopyReport> OutOf();

 private:
  using TransferEnd = capnp::Response<wire::Transfer::WaitResults>;

  Result<CopyPlan> PlanInto(std::uint64_t& total);
  Result<CopyPlan> PlanOutOf(std::uint64_t& total);
  Result<std::unique_ptr<Unpacker>> OpenUnpacker(const CopyPlan& plan);
  Status Wait(wire::Transfer::Client& transfer, kj::Promise<void> broken);
  ByteCount Counter(std::uint64_t total);

  kj::AsyncIoContext& io_;
  ShimClient& client_;
  const CopyOptions& options_;
  CopyReport report_;
};

ByteCount CopyCall::Counter(std::uint64_t total) {
  return [this, total](std::uint64_t bytes) {
    report_.bytes = bytes;
    if (options_.on_progress) options_.on_progress(bytes, total);
  };
}

Result<CopyPlan> CopyCall::PlanInto(std::uint64_t& total) {
  const auto look = [&](const std::string& path) { return LookIntoBox(client_, path, false); };
  BOXLITE_ASSIGN_OR_RETURN(Destination to, ResolveDestination(InBox(options_.box_path), look));
  if (options_.stream_fd >= 0) return PlanUnpackStream(to.path, to.facts);
  BOXLITE_ASSIGN_OR_RETURN(PathFacts from, LookAtHost(options_.host_path, options_.follow_link));
  if (from.kind == PathFacts::Kind::kFile) total = from.size;
  return PlanCopy(options_.host_path, from, to.path, to.facts);
}

Result<CopyPlan> CopyCall::PlanOutOf(std::uint64_t& total) {
  const std::string source = InBox(options_.box_path);
  BOXLITE_ASSIGN_OR_RETURN(PathFacts from, LookIntoBox(client_, source, options_.follow_link));
  if (from.kind == PathFacts::Kind::kFile) total = from.size;
  if (options_.stream_fd >= 0) return PlanPackStream(source, from);
  const auto look = [](const std::string& path) { return LookAtHost(path, false); };
  BOXLITE_ASSIGN_OR_RETURN(Destination to, ResolveDestination(options_.host_path, look));
  return PlanCopy(source, from, to.path, to.facts);
}

// The transfer's own end, or what `broken` rejects with when this side fails first.
Status CopyCall::Wait(wire::Transfer::Client& transfer, kj::Promise<void> broken) {
  kj::Promise<TransferEnd> stopped =
      broken.then([]() -> kj::Promise<TransferEnd> { return kj::NEVER_DONE; });
  BOXLITE_ASSIGN_OR_RETURN(
      TransferEnd end,
      client_.Await<TransferEnd>(transfer.waitRequest().send().exclusiveJoin(kj::mv(stopped))));
  report_.skipped += end.getSkipped();
  return FromBox(end.getError());
}

Result<CopyReport> CopyCall::Into() {
  std::uint64_t total = 0;
  BOXLITE_ASSIGN_OR_RETURN(const CopyPlan plan, PlanInto(total));
  std::unique_ptr<Packer> packer;
  if (options_.stream_fd < 0) {
    BOXLITE_ASSIGN_OR_RETURN(packer, Packer::Open({.path = plan.source,
                                                   .root_name = plan.root_name,
                                                   .contents_only = plan.contents_only,
                                                   .follow_link = options_.follow_link}));
  }
  auto request = client_.shim().unpackRequest();
  request.initRequest().setDirectory(AsBytes(plan.directory));
  request.getRequest().setKeepOwners(options_.keep_owners);
  using Answer = capnp::Response<wire::Shim::UnpackResults>;
  BOXLITE_ASSIGN_OR_RETURN(Answer answer, client_.Await<Answer>(request.send()));
  BOXLITE_RETURN_IF_ERROR(FromBox(answer.getError()));
  wire::Transfer::Client transfer = answer.getTransfer();
  wire::ByteSink::Client sink = transfer.stdinRequest().send().getSink();
  Status unreadable;
  kj::Own<InputPump> input;
  kj::Promise<void> pumping = nullptr;
  if (packer) {
    pumping = PumpPacked(*packer, kj::mv(sink), unreadable, Counter(total));
  } else {
    input = kj::heap<InputPump>(io_, options_.stream_fd, NewCountingSink(kj::mv(sink), Counter(0)),
                                "", nullptr);
    pumping = input->Run();
  }
  Status done = Wait(transfer, kj::mv(pumping));
  BOXLITE_RETURN_IF_ERROR(std::move(unreadable));
  BOXLITE_RETURN_IF_ERROR(std::move(done));
  if (packer) report_.skipped += packer->skipped();
  if (packer) report_.bytes = packer->data_bytes();
  report_.destination = plan.directory;
  return std::move(report_);
}

Result<std::unique_ptr<Unpacker>> CopyCall::OpenUnpacker(const CopyPlan& plan) {
  UnpackOptions options;
  options.directory = plan.directory;
  options.root_name = plan.root_name;
  options.one_file = plan.one_file;
  options.keep_owners = options_.keep_owners && ::geteuid() == 0;
  options.keep_special_bits = options.keep_owners;
  if (options_.keep_owners && !options.keep_owners) {
    report_.notes.push_back("owners were not kept: only root can give files away");
  }
  return Unpacker::Open(std::move(options));
}

Result<CopyReport> CopyCall::OutOf() {
  std::uint64_t total = 0;
  BOXLITE_ASSIGN_OR_RETURN(const CopyPlan plan, PlanOutOf(total));
  auto broken = kj::newPromiseAndFulfiller<void>();
  auto end = std::make_shared<CopyEnd>();
  end->on_broken = [&fulfiller = *broken.fulfiller]() {
    fulfiller.reject(KJ_EXCEPTION(FAILED, "the destination takes no more"));
  };
  std::unique_ptr<Unpacker> unpacker;
  const ByteCount count = Counter(total);
  if (options_.stream_fd >= 0) {
    end->take = [this, &count, written = std::uint64_t{0}](std::string_view bytes) mutable {
      Status taken = WriteAll(options_.stream_fd, bytes);
      written += bytes.size();
      if (taken.ok()) count(written);
      return taken;
    };
  } else {
    BOXLITE_ASSIGN_OR_RETURN(unpacker, OpenUnpacker(plan));
    end->take = [&unpacker, &count](std::string_view bytes) {
      Status taken = unpacker->Feed(bytes);
      if (taken.ok()) count(unpacker->data_bytes());
      return taken;
    };
  }
  auto request = client_.shim().packRequest();
  auto pack = request.initRequest();
  pack.setPath(AsBytes(plan.source));
  pack.setRootName(AsBytes(plan.root_name));
  pack.setContentsOnly(plan.contents_only);
  pack.setFollowLink(options_.follow_link);
  request.setSink(NewCopySink(end));
  using Answer = capnp::Response<wire::Shim::PackResults>;
  BOXLITE_ASSIGN_OR_RETURN(Answer answer, client_.Await<Answer>(request.send()));
  BOXLITE_RETURN_IF_ERROR(FromBox(answer.getError()));
  wire::Transfer::Client transfer = answer.getTransfer();
  Status done = Wait(transfer, kj::mv(broken.promise));
  BOXLITE_RETURN_IF_ERROR(std::move(end->failure));
  BOXLITE_RETURN_IF_ERROR(std::move(done));
  if (unpacker) {
    BOXLITE_RETURN_IF_ERROR(unpacker->Finish());
    report_.skipped += unpacker->skipped();
    report_.bytes = unpacker->data_bytes();
  }
  report_.destination = options_.host_path;
  return std::move(report_);
}

}  // namespace

Result<CopyReport> RuntimeImpl::Copy(const BoxId& id, const CopyOptions& options) {
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  // Attached: should this process be killed, the box that it has booted stops by itself.
  BOXLITE_ASSIGN_OR_RETURN(Connection connection,
                           ConnectForVerb(box, Verb::kCopy, Attachment::kAttached));
  Result<CopyReport> report = [&]() {
    CopyCall call(io(), *connection.client, options);
    return options.direction == CopyOptions::Direction::kIntoBox ? call.Into() : call.OutOf();
  }();
  connection.client.reset();  // sinks that point into this call end with it
  if (!report.ok() && report.error().code() == ErrorCode::kUnavailable) {
    Result<Evidence> evidence = ReadEvidence(box.fd.get());
    if (evidence.ok() && DeriveState(*evidence).state != BoxState::kRunning) {
      report = BoxWentAway(box, Verb::kCopy, std::move(report).error());
    }
  }
  if (!connection.booted) return report;
  Result<EndReport> stopped = Stop(id, kCopyStopGrace);
  if (!stopped.ok() && report.ok()) {
    return std::move(stopped).error().While("the copy is whole, but the box was booted for it and");
  }
  return report;
}

}  // namespace boxlite
