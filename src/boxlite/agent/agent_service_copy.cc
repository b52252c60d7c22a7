// The agent's part of `cp`: pathInfo, pack and unpack of schema/agent.capnp.
#include <kj/debug.h>

#include "boxlite/agent/agent_service.h"
#include "boxlite/agent/copy_work.h"
#include "boxlite/agent/path_info.h"
#include "boxlite/agent/transfer.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

Result<std::string> ReadPath(capnp::Data::Reader bytes, const char* what) {
  std::string path(AsText(bytes));
  if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(what) + " must be absolute and without a NUL byte: " + path);
  }
  return path;
}

Result<ProgramPlan> ReadPackPlan(wire::PackRequest::Reader request) {
  PackOptions options;
  BOXLITE_ASSIGN_OR_RETURN(options.path, ReadPath(request.getPath(), "the path to pack"));
  options.root_name = AsText(request.getRootName());
  options.contents_only = request.getContentsOnly();
  options.follow_link = request.getFollowLink();
  if (options.root_name.empty() && !options.contents_only) {
    return Error(ErrorCode::kInvalidArgument, "no name for what is packed");
  }
  ProgramPlan plan;
  plan.work = NewPackWork(std::move(options));
  return plan;
}

Result<ProgramPlan> ReadUnpackPlan(wire::UnpackRequest::Reader request) {
  UnpackOptions options;
  BOXLITE_ASSIGN_OR_RETURN(options.directory,
                           ReadPath(request.getDirectory(), "the directory to unpack into"));
  options.keep_owners = request.getKeepOwners();
  options.keep_special_bits = true;
  options.make_fifos = true;
  ProgramPlan plan;
  // With owners kept nobody is looked up: a box without such a user can take files all the same.
  if (!options.keep_owners) plan.user = AsText(request.getUser());
  plan.work = NewUnpackWork(std::move(options));
  return plan;
}

}  // namespace

template <typename Context>
kj::Promise<void> AgentService::StartTransfer(Context context, ProgramPlan plan,
                                              kj::Maybe<wire::ByteSink::Client> sink) {
  plan.id = "copy-" + std::to_string(++transfers_);
  Result<kj::Own<Program>> spawned = Spawn(plan);
  if (!spawned.ok()) {
    ToWire(spawned.error(), context.getResults().initError());
    return kj::READY_NOW;
  }
  kj::Own<Program> program = kj::mv(*spawned);
  Program& started = *program;
  return started.WhenExecuted().then(
      [context, program = kj::mv(program), sink = kj::mv(sink)](Status&& prepared) mutable {
        if (!prepared.ok()) {
          ToWire(prepared, context.getResults().initError());
          return;
        }
        context.getResults().setProcess(NewTransferService(kj::mv(program), kj::mv(sink)));
      });
}

kj::Promise<void> AgentService::pathInfo(PathInfoContext context) {
  const auto params = context.getParams();
  Status described = [&]() -> Status {
    BOXLITE_RETURN_IF_ERROR(CheckMainLives());
    BOXLITE_ASSIGN_OR_RETURN(const std::string path, ReadPath(params.getPath(), "the path"));
    return DescribePath(KJ_ASSERT_NONNULL(main_)->pid(), path, params.getFollowLink(),
                        context.getResults().initInfo());
  }();
  if (!described.ok()) ToWire(described, context.getResults().initError());
  return kj::READY_NOW;
}

kj::Promise<void> AgentService::pack(PackContext context) {
  Result<ProgramPlan> plan = ReadPackPlan(context.getParams().getRequest());
  if (!plan.ok()) {
    ToWire(plan.error(), context.getResults().initError());
    return kj::READY_NOW;
  }
  return StartTransfer(context, std::move(*plan), context.getParams().getSink());
}

kj::Promise<void> AgentService::unpack(UnpackContext context) {
  Result<ProgramPlan> plan = ReadUnpackPlan(context.getParams().getRequest());
  if (!plan.ok()) {
    ToWire(plan.error(), context.getResults().initError());
    return kj::READY_NOW;
  }
  return StartTransfer(context, std::move(*plan), nullptr);
}

}  // namespace boxlite
