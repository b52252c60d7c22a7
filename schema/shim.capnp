@0xe7c18b54a2f60d93;
# The contract between any client of a box (CLI, library, server) and the box's shim, over the unix
# socket shim.sock in the box's directory. Additive only: methods and fields are never renumbered.

using Cxx = import "/capnp/c++.capnp";
using Types = import "types.capnp";
$Cxx.namespace("boxlite::wire");

interface Shim {
  hello @0 (protocolVersion :UInt32) -> (boxId :Text, lifeId :Text, protocolVersion :UInt32, phase :Text);
  # Who answers: compared with the record before anything else is asked. Answered in every phase.

  exec @1 (spec :ExecSpec, stdout :Types.ByteSink, stderr :Types.ByteSink)
       -> (error :Types.Error, execution :Execution);
  # Runs another program in the box. Waits for main to have started. The shim completes the spec: an
  # empty user, working directory or environment means the box's; `spec.env` overrides single variables.
  # wrongState: the box is stopping.

  stop @2 (graceMs :UInt32) -> (error :Types.Error);
  # Begins the graceful end and answers at once; the end itself is seen at the locks. A second call is
  # fine; it cannot lengthen the grace. The caller waits on the shim's pidfd.

  signalMain @3 (number :Int32) -> (error :Types.Error);

  waitMain @4 () -> (error :Types.Error, exit :Types.ExitStatus, logEnd :UInt64);
  # Answers when main's exit is durable in exit.json. `logEnd`: logical offset behind main's last output
  # in main.log. wrongState: this life ended, or will end, without main's exit.

  detach @5 () -> ();
  # Disarms the watchdog of an attached life: it then outlives its creator.

  waitStarted @6 () -> (error :Types.Error);
  # Answers when main has started, or with why it could not.
}

struct ExecSpec {
  argv @0 :List(Data);
  env @1 :List(Data);
  workingDir @2 :Data;
  user @3 :Data;
  stdin @4 :Bool;
  # false: the program reads end-of-file at once.
}

interface Execution {
  wait @0 () -> (error :Types.Error, exit :Types.ExitStatus);
  # After all output went to the sinks. unavailable: the box went away first.
  signal @1 (number :Int32) -> (error :Types.Error);
  # To the program's process group.
  stdin @2 () -> (sink :Types.ByteSink);
}
