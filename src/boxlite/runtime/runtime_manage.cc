// Rename, prune, sizes and events: what needs nothing of a guest.
#include "boxlite/base/tree_size.h"
#include "boxlite/runtime/budgets.h"
#include "boxlite/runtime/create_box.h"
#include "boxlite/runtime/event_watch.h"
#include "boxlite/runtime/remove_box.h"
#include "boxlite/runtime/rename_box.h"
#include "boxlite/runtime/runtime_impl.h"
#include "boxlite/runtime/verb_lock.h"

namespace boxlite {

Status RuntimeImpl::Rename(const BoxId& id, const std::string& name) {
  BOXLITE_RETURN_IF_ERROR(ValidateName(name));
  BOXLITE_ASSIGN_OR_RETURN(OpenBox box, Open(id));
  BOXLITE_ASSIGN_OR_RETURN(OfdLock verb, TakeVerb(box, "rename"));
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, HomeForWriting());
  Status renamed = RenameBox(*home, id, box.fd.get(), name);
  if (!renamed.ok()) return std::move(renamed).error().While("rename box " + id.str());
  return {};
}

Result<std::uint64_t> RuntimeImpl::DiskUsage(const BoxId& id) {
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, ExistingHome(id.str()));
  return TreeBytes(home->boxes_fd(), id.str());
}

Result<std::optional<std::uint64_t>> RuntimeImpl::PruneOne(const BoxId& id,
                                                           const BoxPredicate& wanted) {
  const auto spared = std::optional<std::uint64_t>();
  const auto prunable = [&wanted](const BoxInfo& box) {
    return RuleFor(Verb::kRemove, box.derived.state) == VerbRule::kDo && box.spec.ok() &&
           wanted(box);
  };
  Result<OpenBox> box = Open(id);
  if (!box.ok()) {
    return box.error().code() == ErrorCode::kNotFound ? Result(spared) : std::move(box).error();
  }
  BOXLITE_ASSIGN_OR_RETURN(const Home* home, HomeForWriting());
  // Whoever changes the box now has better reasons to: it is not waited for.
  Result<OfdLock> verb = TakeVerbLock(*home, id, box->fd.get(), "prune", milliseconds(0));
  if (!verb.ok()) {
    const ErrorCode code = verb.error().code();
    if (code == ErrorCode::kTimeout || code == ErrorCode::kNotFound) return spared;
    return std::move(verb).error();
  }
  // Looked at again: it may have been started, or renamed, since the list was made.
  BOXLITE_ASSIGN_OR_RETURN(Evidence evidence, ReadEvidence(box->fd.get()));
  if (!prunable(Describe(id, box->fd.get(), evidence))) return spared;
  BOXLITE_ASSIGN_OR_RETURN(std::uint64_t bytes, TreeBytes(home->boxes_fd(), id.str()));
  Status removed = TakeOutBox(*home, id);
  if (!removed.ok() && removed.error().code() == ErrorCode::kNotFound) return spared;
  if (!removed.ok()) return std::move(removed).error();
  return std::optional<std::uint64_t>(bytes);
}

Result<PruneReport> RuntimeImpl::Prune(const BoxPredicate& wanted) {
  PruneReport report;
  BOXLITE_ASSIGN_OR_RETURN(std::vector<BoxInfo> boxes, List());
  for (const BoxInfo& box : boxes) {
    Result<std::optional<std::uint64_t>> bytes = PruneOne(box.id, wanted);
    if (!bytes.ok()) {
      report.failures.push_back(std::move(bytes).error().While("remove box " + box.id.str()));
    } else if (bytes->has_value()) {
      report.removed.push_back(box.id);
      report.reclaimed_bytes += **bytes;
    }
  }
  if (!report.removed.empty()) SweepLeftovers(*home_);
  return report;
}

Status RuntimeImpl::WatchEvents(const EventOptions& options, const EventSink& sink) {
  return boxlite::WatchEvents(home_path_, options, sink);
}

}  // namespace boxlite
