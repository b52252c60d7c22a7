// Control groups of the box's programs: main in /sys/fs/cgroup/box, each exec in a group of its own
// below. What a program starts stays in its group, whatever sessions or double forks it makes, so
// that killing the group ends all of it.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

// The box's own, with its device filter and what statistics count; once, at boot.
Status MakeBoxCgroup();
inline constexpr char kBoxCgroup[] = "/sys/fs/cgroup/box";

// A process of the box by its pid in the agent's namespace, and the id of the program whose group
// it is in: "main" for the box's own.
struct BoxProcess {
  pid_t pid = 0;
  std::string program;
};
// Main's first. Zombies are not among them.
std::vector<BoxProcess> BoxProcesses();

// Sends a signal to every process of the box, but those forked at that very moment: for asking, not
// for killing.
void SignalBoxCgroup(int signal_number);

class Cgroup {
 public:
  // Main's: the whole box.
  static Result<Cgroup> OfBox();
  // A new one below it. kAlreadyExists when a group of this name still has processes.
  static Result<Cgroup> Make(const std::string& name);
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;

  int fd() const { return directory_.get(); }
  Status Kill() const;  // SIGKILL to everything in it, at once
  // Removes the empty group; the box's stays. False: processes are still in it.
  bool Remove();

 private:
  Cgroup(std::string name, Fd directory)
      : name_(std::move(name)), directory_(std::move(directory)) {}
  std::string name_;
  Fd directory_;
};

}  // namespace boxlite
