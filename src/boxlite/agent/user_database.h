// Who a program runs as, by the box's own /etc/passwd and /etc/group. Their text is the box's, so
// hostile: lines that make no sense are skipped, nothing is believed. Pure, and without NSS: a
// static program that called getpwnam() would load the box's libraries into the agent.
#pragma once

#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"

namespace boxlite {

struct UserIdentity {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> supplementary;  // from /etc/group, unless the group was named
  std::string home = "/";            // "/" for a uid that passwd does not know

  bool operator==(const UserIdentity&) const = default;
};

// The kernel's bound on a process's groups.
inline constexpr std::size_t kMaxSupplementaryGroups = 65536;

// `user`: "name|uid[:group|gid]", as docker reads it; empty is root. A number need not be in the
// files. kNotFound: a name that is not there. kInvalidArgument: a number beyond 2^31-1, or no user
// before ':'. kResourceExhausted: more groups than the kernel takes.
Result<UserIdentity> ResolveUser(std::string_view user, std::string_view passwd,
                                 std::string_view group);

// The names of these users; who is not in passwd, or has an absurdly long name there, gets none.
std::map<uid_t, std::string> UserNames(const std::set<uid_t>& uids, std::string_view passwd);

}  // namespace boxlite
