#include "boxlite/agent/user_database.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace boxlite {
namespace {

// As docker: the same range for users and groups.
constexpr std::uint32_t kMaxId = 0x7fffffff;
// Beyond it useradd refuses.
constexpr std::size_t kMaxNameBytes = 32;

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint32_t> ParseId(std::string_view text) {
  if (!IsNumber(text)) return std::nullopt;
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id > kMaxId) return std::nullopt;
  return id;
}

// Calls `visit(fields)` for each line with exactly kCount fields, until it returns false.
template <std::size_t kCount, typename Visit>
void ForEachEntry(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::array<std::string_view, kCount> fields;
    std::size_t count = 0;
    bool more = true;
    while (more && count < kCount) {
      const std::size_t colon = line.find(':');
      more = colon != std::string_view::npos;
      fields[count++] = line.substr(0, colon);
      line.remove_prefix(more ? colon + 1 : line.size());
    }
    if (count != kCount || more || fields[0].empty()) continue;
    if (!visit(fields)) return;
  }
}

struct PasswdEntry {
  std::string_view name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string_view home;
};

// The entry of this name; else, when it is a number, the first of this uid.
std::optional<PasswdEntry> FindUser(std::string_view user, std::string_view passwd) {
  const std::optional<std::uint32_t> wanted = ParseId(user);
  std::optional<PasswdEntry> by_uid;
  std::optional<PasswdEntry> by_name;
  ForEachEntry<7>(passwd, [&](const std::array<std::string_view, 7>& fields) {
    const auto uid = ParseId(fields[2]);
    const auto gid = ParseId(fields[3]);
    if (!uid || !gid) return true;
    const PasswdEntry entry{fields[0], *uid, *gid, fields[5]};
    if (wanted == uid && !by_uid) by_uid = entry;
    if (entry.name == user) by_name = entry;
    return !by_name;
  });
  return by_name ? by_name : by_uid;
}

std::optional<std::uint32_t> FindGroup(std::string_view group, std::string_view groups) {
  std::optional<std::uint32_t> found;
  ForEachEntry<4>(groups, [&](const std::array<std::string_view, 4>& fields) {
    if (fields[0] == group) found = ParseId(fields[2]);
    return !found;
  });
  return found ? found : ParseId(group);
}

bool HasMember(std::string_view members, std::string_view name) {
  while (!members.empty()) {
    const std::size_t comma = members.find(',');
    if (members.substr(0, comma) == name) return true;
    members.remove_prefix(comma == std::string_view::npos ? members.size() : comma + 1);
  }
  return false;
}

std::vector<gid_t> GroupsOf(std::string_view name, std::string_view groups) {
  std::vector<gid_t> found;
  ForEachEntry<4>(groups, [&](const std::array<std::string_view, 4>& fields) {
    const auto gid = ParseId(fields[2]);
    if (gid && HasMember(fields[3], name)) found.push_back(*gid);
    return found.size() <= kMaxSupplementaryGroups;
  });
  return found;
}

Error BadNumber(std::string_view text) {
  return Error(ErrorCode::kInvalidArgument,
               "the id " + std::string(text) + " is beyond 2147483647");
}

}  // namespace

Result<UserIdentity> ResolveUser(std::string_view user, std::string_view passwd,
                                 std::string_view group) {
  const std::size_t colon = user.find(':');
  std::string_view wanted_user = user.substr(0, colon);
  const std::string_view wanted_group =
      colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1);
  if (wanted_user.empty() && colon != std::string_view::npos) {
    return Error(ErrorCode::kInvalidArgument,
                 "no user before the ':' of \"" + std::string(user) + "\"");
  }
  if (wanted_user.empty()) wanted_user = "0";

  UserIdentity identity;
  const std::optional<PasswdEntry> entry = FindUser(wanted_user, passwd);
  if (entry) {
    identity.uid = entry->uid;
    identity.gid = entry->gid;
    if (!entry->home.empty()) identity.home = entry->home;
  } else if (const auto uid = ParseId(wanted_user)) {
    identity.uid = *uid;
  } else if (IsNumber(wanted_user)) {
    return BadNumber(wanted_user);
  } else {
    return Error(ErrorCode::kNotFound,
                 "no user \"" + std::string(wanted_user) + "\" in the box's /etc/passwd");
  }

  if (!wanted_group.empty()) {
    const auto gid = FindGroup(wanted_group, group);
    if (!gid && IsNumber(wanted_group)) return BadNumber(wanted_group);
    if (!gid) {
      return Error(ErrorCode::kNotFound,
                   "no group \"" + std::string(wanted_group) + "\" in the box's /etc/group");
    }
    identity.gid = *gid;
  } else if (entry) {
    identity.supplementary = GroupsOf(entry->name, group);
    if (identity.supplementary.size() > kMaxSupplementaryGroups) {
      return Error(ErrorCode::kResourceExhausted,
                   "the user is in more groups than a process may have");
    }
  }
  return identity;
}

std::map<uid_t, std::string> UserNames(const std::set<uid_t>& uids, std::string_view passwd) {
  std::map<uid_t, std::string> names;
  ForEachEntry<7>(passwd, [&](const std::array<std::string_view, 7>& fields) {
    const auto uid = ParseId(fields[2]);
    if (uid && uids.contains(*uid) && fields[0].size() <= kMaxNameBytes) {
      names.emplace(*uid, fields[0]);  // the first entry of a number counts, as for getpwuid()
    }
    return names.size() < uids.size();
  });
  return names;
}

}  // namespace boxlite
