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
}

interface ByteSink {
  # Where a stream of bytes goes. The owner of the bytes calls write() in order and end() once.

  write @0 (bytes :Data) -> stream;
  # At most 256 KiB a call. Back-pressure is capnp's: the caller awaits.

  end @1 ();
  # No more will come. Returns when all written bytes have been taken.
}
