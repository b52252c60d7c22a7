// FakeScript: how the fake engine misbehaves, read from fake.json in the box's directory. The
// product knows nothing of it; a test writes it between create and start.
//
//   {"slow": {"<step>": <ms>}, "silent": ["<step>"], "die": ["<step>"], "error": {"<step>":
//   "<text>"},
//    "lie": ["challenge" | "garbage"], "ignore_quit": true, "silent_control": true,
//    "flush": {"ms": 6000, "progress": true}, "helper": true}
//
// Steps: greeting, personalise, mountRoot, start, exec, signal, kill, shutdown, processes,
// statistics, pack, unpack. `helper` leaves a second process that inherits the machine's lock and
// does not die with the engine.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace boxlite::testing {

struct FakeScript {
  std::map<std::string, int> slow_ms;
  std::set<std::string> silent;
  std::set<std::string> die;
  std::set<std::string> lie;
  std::map<std::string, std::string> error;
  bool ignore_quit = false;
  bool silent_control = false;
  bool helper = false;
  int flush_ms = 0;
  bool flush_progress = false;
};

// No file: a script without faults. A malformed one ends the program: it is a test's mistake.
FakeScript ReadFakeScript(int box_dir_fd);

// Appends a line to engine.log in the box's directory: what tests read of the engine's side.
void Trace(int box_dir_fd, const std::string& line);

// The machine's disk with a guest's cache before it: what was written is in memory until it is
// flushed.
class FakeDisk {
 public:
  explicit FakeDisk(int box_dir_fd) : box_dir_fd_(box_dir_fd) {}

  void Load();
  void Write(const std::string& key, const std::string& value) { cached_[key] = value; }
  std::string Read(const std::string& key) const;
  void Flush();

 private:
  int box_dir_fd_;
  std::map<std::string, std::string> cached_;
};

}  // namespace boxlite::testing
