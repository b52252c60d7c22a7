// What Runtime::Copy() is asked for, and what it tells.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace boxlite {

struct CopyOptions {
  enum class Direction { kIntoBox, kOutOfBox };
  Direction direction = Direction::kIntoBox;
  std::string host_path;  // as this process sees it
  // Instead of host_path: a tar stream is read from it, or written to it with blocking writes. -1:
  // none. Borrowed; its flags stay as they are.
  int stream_fd = -1;
  std::string box_path;      // relative to the box's root
  bool follow_link = false;  // a source that is a symbolic link: copy what it points to
  // Owners as they are, by number. Otherwise what is made in the box belongs to the box's user, and
  // what is made on the host to whoever makes it. On the host only root can do so.
  bool keep_owners = false;
  // Called now and then with the bytes of files (of the stream, with stream_fd) so far, and how
  // many there will be; 0: not known.
  std::function<void(std::uint64_t bytes, std::uint64_t total)> on_progress;
};

struct CopyReport {
  std::uint64_t bytes = 0;
  std::uint64_t skipped = 0;       // sockets, devices, FIFOs that were left out
  std::vector<std::string> notes;  // for a person: what is not as asked for
  std::string destination;         // where it went: "BOX-PATH" or the host's path
};

}  // namespace boxlite
