#include "boxlite/copy/plan_copy.h"

#include "boxlite/copy/beneath.h"

namespace boxlite {
namespace {

using Kind = PathFacts::Kind;

// The kernel's own limit.
constexpr int kMaxLinks = 40;

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

// "/." and "/.." at the end, and "/" itself, name a directory without a name of its own.
bool HasNoName(const std::string& path) {
  const std::string base = BaseOf(WithoutSlashes(path));
  return base.empty() || base == "." || base == "..";
}

bool AssertsDirectory(const std::string& path) { return path.ends_with('/') || HasNoName(path); }

std::string DirectoryOf(const std::string& path) {
  const std::string plain = WithoutSlashes(path);
  const std::size_t slash = plain.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : plain.substr(0, slash);
}

std::string Shown(const std::string& path, const PathFacts& facts) {
  return facts.shown.empty() ? path : facts.shown;
}

Error NoDirectory(const std::string& shown) {
  return Error(ErrorCode::kNotFound, "the directory " + shown + " does not exist");
}

Status CheckSource(const std::string& source, const PathFacts& facts) {
  const std::string shown = Shown(source, facts);
  if (facts.kind == Kind::kAbsent) return Error(ErrorCode::kNotFound, shown + " does not exist");
  if (facts.kind == Kind::kOther) {
    return Error(ErrorCode::kUnsupported,
                 shown + " is a device, a socket or a FIFO: there is no file to copy");
  }
  if (facts.kind != Kind::kDirectory && AssertsDirectory(source)) {
    return Error(ErrorCode::kConflict, shown + " is no directory");
  }
  return {};
}

}  // namespace

Result<CopyPlan> PlanPackStream(const std::string& source, const PathFacts& facts) {
  BOXLITE_RETURN_IF_ERROR(CheckSource(source, facts));
  CopyPlan plan;
  plan.source = source;
  plan.contents_only = facts.kind == Kind::kDirectory && HasNoName(source);
  if (!plan.contents_only) plan.root_name = BaseOf(WithoutSlashes(source));
  plan.one_file = facts.kind != Kind::kDirectory;
  return plan;
}

Result<CopyPlan> PlanUnpackStream(const std::string& destination, const PathFacts& facts) {
  const std::string shown = Shown(destination, facts);
  if (facts.kind == Kind::kAbsent) return NoDirectory(shown);
  if (facts.kind != Kind::kDirectory) {
    return Error(ErrorCode::kConflict,
                 shown + " is no directory: a tar stream is unpacked into one");
  }
  CopyPlan plan;
  plan.directory = destination;
  return plan;
}

Result<CopyPlan> PlanCopy(const std::string& source, const PathFacts& source_facts,
                          const std::string& destination, const PathFacts& destination_facts) {
  BOXLITE_ASSIGN_OR_RETURN(CopyPlan plan, PlanPackStream(source, source_facts));
  const std::string shown = Shown(destination, destination_facts);
  const bool from_directory = source_facts.kind == Kind::kDirectory;
  switch (destination_facts.kind) {
    case Kind::kDirectory:
      plan.directory = destination;
      return plan;
    case Kind::kOther:
    case Kind::kSymlink:
      return Error(ErrorCode::kUnsupported,
                   shown + " is neither a file nor a directory: nothing is copied over it");
    case Kind::kFile:
      if (from_directory) {
        return Error(ErrorCode::kConflict, "the directory " + Shown(source, source_facts) +
                                               " cannot be copied over the file " + shown);
      }
      if (AssertsDirectory(destination)) {
        return Error(ErrorCode::kConflict, shown + " is no directory");
      }
      break;
    case Kind::kAbsent:
      if (!from_directory && AssertsDirectory(destination)) return NoDirectory(shown);
      if (HasNoName(destination)) return NoDirectory(shown);
      break;
  }
  // It gets the destination's name; a directory is made of that name, also for "SRC/.".
  plan.contents_only = false;
  plan.root_name = BaseOf(WithoutSlashes(destination));
  plan.directory = DirectoryOf(destination);
  return plan;
}

Result<Destination> ResolveDestination(
    const std::string& path, const std::function<Result<PathFacts>(const std::string&)>& look) {
  Destination at{path, {}};
  for (int links = 0; links <= kMaxLinks; ++links) {
    BOXLITE_ASSIGN_OR_RETURN(at.facts, look(at.path));
    if (at.facts.kind != Kind::kSymlink) return at;
    const std::string& target = at.facts.link_target;
    if (target.starts_with('/')) {
      at.path = target;
      continue;
    }
    const std::string directory = DirectoryOf(at.path);
    at.path = directory + (directory.ends_with('/') ? "" : "/") + target;
  }
  return Error(ErrorCode::kConflict, path + " is a symbolic link in a circle");
}

}  // namespace boxlite
