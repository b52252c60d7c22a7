@0xb3f1c2a9d0e84b17;
# What the two wire contracts, agent.capnp and shim.capnp, share.
#
# Every name, argument, variable and path is Data: bytes, as the kernel sees them. Failures travel in
# results as Error; an RPC exception means only that the peer is gone or broke the contract.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("boxlite::wire");

struct Error {
  code @0 :UInt16;
  # A number of base/error_code.h; 0: no error. An unknown one reads as "internal".
  message @1 :Text;
  # For a person. From a guest it is untrusted text: bounded and escaped before it is shown.
}

struct ExitStatus {
  # How a process ended.
  union {
    code @0 :UInt8;     # it exited
    signal @1 :UInt8;   # a signal ended it
  }
}

struct ProcessSpec {
  # A program to run in the box, complete: whoever sends it has merged image, box and call.
  argv @0 :List(Data);
  # argv[0] is looked up in PATH of env unless it has a slash. Never empty.
  env @1 :List(Data);
  # KEY=VALUE. This is all the program gets, but for PATH and HOME (the user's, by the box's passwd), which
  # are added where they are missing, as docker does.
  workingDir @2 :Data;
  # Absolute. Empty: "/". Created for main when absent, as docker does; an exec fails without it.
  user @3 :Data;
  # "name|uid[:group|gid]" by the box's own /etc/passwd and /etc/group. Empty: root.
  terminal @4 :TerminalSize;
  # Present: the program gets a terminal of this size as stdin, stdout and stderr, and leads its session.
  # All its output then goes to the stdout sink. Absent: three pipes.
}

struct TerminalSize {
  # Of a terminal, in characters. 0 in both: not known, the program sees 24 x 80.
  rows @0 :UInt16;
  columns @1 :UInt16;
}

interface ByteSink {
  # Where a stream of bytes goes. The owner of the bytes calls write() in order and end() once.

  write @0 (bytes :Data) -> stream;
  # At most 256 KiB a call. Back-pressure is capnp's: the caller awaits.

  end @1 ();
  # No more will come. Returns when all written bytes have been taken.
}

struct ProcessInfo {
  # One process of the box, as its own kernel sees it.
  pid @0 :Int32;
  # In the box's pid namespace.
  parentPid @1 :Int32;
  user @2 :Data;
  # By the box's passwd, else the number.
  state @3 :Data;
  # One letter, as ps shows it.
  startedAgoMs @4 :UInt64;
  cpuMs @5 :UInt64;
  # User and system time so far.
  residentBytes @6 :UInt64;
  command @7 :Data;
  # Arguments joined by spaces; the name in brackets for one without.
  execId @8 :Text;
  # The exec whose control group it is in; "main" for main's.
}

struct GuestStatistics {
  # What the guest counts of the whole box.
  cpuMs @0 :UInt64;
  memoryBytes @1 :UInt64;
  # In use by the box's programs, page cache included.
  memoryLimitBytes @2 :UInt64;
  # What the machine has.
  processes @3 :UInt32;
  diskUsedBytes @4 :UInt64;
  diskSizeBytes @5 :UInt64;
  # Of the root filesystem.
  readBytes @6 :UInt64;
  writtenBytes @7 :UInt64;
  # By the root disk since boot.
}

struct PackRequest {
  # Files out of the box, as a tar stream.
  path @0 :Data;
  # Absolute, in main's view of the box.
  contentsOnly @1 :Bool;
  # "DIR/.": what is in the directory, not itself.
  followLink @2 :Bool;
  # What `path` points to when it is a symbolic link.
  rootName @3 :Data;
  # What `path` is called in the stream. Not used with contentsOnly.
}

struct UnpackRequest {
  # A tar stream into a directory of the box.
  directory @0 :Data;
  # Absolute, existing, in main's view of the box.
  user @1 :Data;
  # Who shall own what the stream makes, as ProcessSpec.user; empty with keepOwners: as the stream says.
  keepOwners @2 :Bool;
}

struct PathInfo {
  # One path of the box, as cp must know it before it decides.
  kind @0 :Kind;
  size @1 :UInt64;
  mode @2 :UInt32;
  mtimeNs @3 :Int64;
  linkTarget @4 :Data;
  enum Kind {
    absent @0;
    file @1;
    directory @2;
    symlink @3;
    other @4;
  }
}
