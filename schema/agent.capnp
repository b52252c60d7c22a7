@0xd5a3f6e1b7c94d28;
# The contract between the shim (client) and the guest's agent (server), over a virtio-serial port,
# after the framing handshake of rpc/serial_handshake.h. The guest is hostile: the shim bounds every
# message and believes nothing of it for a length, a path, a pid or a name.
#
# Order: personalise, mountRoot, start(main), then any number of start(exec); shutdown last.

using Cxx = import "/capnp/c++.capnp";
using Types = import "types.capnp";
$Cxx.namespace("boxlite::wire");

interface Agent {
  personalise @0 (personality :Personality) -> (error :Types.Error, confirmation :Data);
  # Makes this VM unlike every other that came from the same kernel, initramfs or template. Always the
  # first call, on a cold boot too: the agent refuses everything else before it. `confirmation` is the
  # personality's `challenge`: proof that this agent, now, has applied it. Calling it twice is an error.

  mountRoot @1 (growToDisk :Bool) -> (error :Types.Error);
  # Mounts the root disk, grows its filesystem to the disk's size when asked.

  start @2 (role :Role, id :Text, spec :Types.ProcessSpec,
            stdout :Types.ByteSink, stderr :Types.ByteSink)
        -> (error :Types.Error, process :Process, pid :Int32);
  # Starts a program in the box. `id` names its cgroup: [a-z0-9-], at most 64 bytes, unique in this VM.
  # main is the first and gives the box its namespaces. Input stays open until Process.stdin's end(), so
  # that a shell without a terminal does not end by itself; who wants none ends it at once.
  # Errors: commandNotFound, commandNotExecutable (the program is not there, or cannot be run),
  # notFound (user, group or working directory), wrongState (exec without a live main).

  shutdown @3 (graceMs :UInt32) -> (error :Types.Error, forced :Bool);
  # Ends the box: SIGTERM (or what the shim sent before) is the shim's affair for main; this one kills
  # what is left after graceMs, syncs, unmounts (or remounts read-only), answers, then powers the VM off.
  # forced: something had to be killed, or the root could not be unmounted.

  ping @4 () -> ();

  processes @5 () -> (error :Types.Error, processes :List(Types.ProcessInfo), total :UInt32);
  # The processes of the box, main first; no more than fit into an answer, `total` says how many there are.

  statistics @6 () -> (error :Types.Error, statistics :Types.GuestStatistics);

  pathInfo @7 (path :Data, followLink :Bool) -> (error :Types.Error, info :Types.PathInfo);
  # In main's view of the box: its root, its mounts. A path that is not there is an answer, no error.

  pack @8 (request :Types.PackRequest, sink :Types.ByteSink) -> (error :Types.Error, process :Process);
  # A process in the box's namespaces that writes the tar stream into the sink. What can be seen to be wrong
  # before the first byte (no such path) is this call's error; whether the stream came out whole says
  # `transferResult`. Dropping the capability ends the process.

  unpack @9 (request :Types.UnpackRequest) -> (error :Types.Error, process :Process);
  # The same in the other direction: the tar stream goes to the process's stdin.

  enum Role {
    main @0;
    exec @1;
  }
}

struct Personality {
  entropy @0 :Data;
  # At least 32 bytes from the host's kernel, credited to the guest's pool before anything runs.
  wallClockNs @1 :Int64;
  # Nanoseconds since 1970, host's time at sending.
  hostname @2 :Data;
  boxId @3 :Text;
  lifeId @4 :Text;
  challenge @5 :Data;
  # Random, echoed as the confirmation.
}

interface Process {
  # One started program. Dropping the capability does not end the program.

  wait @0 () -> (exit :Types.ExitStatus);
  # Answers, as often as asked, when the program has ended and its output has been delivered. Children
  # that keep its pipes open hold the answer back for at most the agent's drain limit.

  signal @1 (number :Int32, wholeGroup :Bool) -> (error :Types.Error);
  # Delivered to the program, or to its process group. An ended program is wrongState.

  stdin @2 () -> (sink :Types.ByteSink);
  # The program's input. end() closes it; on a terminal, which cannot be closed without hanging up, it
  # types ^D. Asking twice gives the same input.

  kill @3 () -> ();
  # SIGKILL to everything in its cgroup.

  resize @4 (size :Types.TerminalSize) -> (error :Types.Error);
  # Of its terminal; wrongState for a program without one.

  transferResult @5 () -> (error :Types.Error, skipped :UInt64);
  # Of a pack or unpack, after its end: why it failed, with the path in the box. `skipped`: how many
  # sockets and devices it left out.
}
