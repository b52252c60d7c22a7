#include "boxlite/agent/credentials.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace boxlite {
namespace {

constexpr int kGranted[] = {CAP_CHOWN,   CAP_DAC_OVERRIDE, CAP_FSETID,           CAP_FOWNER,
                            CAP_MKNOD,   CAP_NET_RAW,      CAP_SETGID,           CAP_SETUID,
                            CAP_SETFCAP, CAP_SETPCAP,      CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT,
                            CAP_KILL,    CAP_AUDIT_WRITE};

constexpr std::uint64_t GrantedMask() {
  std::uint64_t mask = 0;
  for (const int capability : kGranted) mask |= std::uint64_t{1} << capability;
  return mask;
}

Status BoundCapabilities() {
  for (int capability = 0; capability < 64; ++capability) {
    if ((GrantedMask() >> capability) & 1) continue;
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
      if (errno == EINVAL) return {};  // the kernel's last one was before it
      return ErrnoError("bound the capabilities");
    }
  }
  return {};
}

// Permitted and effective become the granted ones; nothing is inheritable, as docker does since an
// inheritable set let programs with file capabilities gain more than was meant.
Status KeepGranted() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2] = {};
  for (int half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(GrantedMask() >> (32 * half));
    sets[half].effective = bits;
    sets[half].permitted = bits;
  }
  if (::syscall(SYS_capset, &header, sets) != 0) return ErrnoError("set the capabilities");
  return {};
}

}  // namespace

Status BecomeUser(const UserIdentity& identity) {
  BOXLITE_RETURN_IF_ERROR(BoundCapabilities());
  BOXLITE_RETURN_IF_ERROR(KeepGranted());
  // SETGID and SETUID are among the granted ones. Leaving uid 0 clears the permitted and effective
  // sets.
  if (::setgroups(identity.supplementary.size(), identity.supplementary.data()) != 0) {
    return ErrnoError("set the supplementary groups");
  }
  if (::setresgid(identity.gid, identity.gid, identity.gid) != 0)
    return ErrnoError("set the group");
  if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) return ErrnoError("set the user");
  return {};
}

}  // namespace boxlite
