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
       -> (error :Types.Error, execution :Execution, id :Text);
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

  execs @7 () -> (error :Types.Error, execs :List(ExecInfo));
  # Those that run and those that are kept after their end, oldest first.

  openExec @8 (id :Text, stdoutFrom :UInt64, stderrFrom :UInt64,
               stdout :Types.ByteSink, stderr :Types.ByteSink, withInput :Bool)
        -> (error :Types.Error, execution :Execution, stdoutBegin :UInt64, stderrBegin :UInt64);
  # Attaches to an exec that another client started: each stream goes on at the byte offset asked for, or
  # at the oldest byte kept when that is later (`stdoutBegin` says where: a gap is never silent). Null
  # sinks: no output is wanted, only wait and signal. notFound: no such exec is kept. conflict: another
  # client reads its output or, withInput, feeds its input.

  attachMain @9 (from :UInt64, withInput :Bool)
        -> (error :Types.Error, attachment :MainAttachment, logBegin :UInt64, terminal :Bool);
  # A reader of main.log that main waits for: main blocks rather than run ahead of it by more than a
  # window. `from`: the logical offset it begins at; all ones: the end as it is now. The reader reads the
  # log's files; what it has shown it tells by MainAttachment.shown.

  processes @10 () -> (error :Types.Error, processes :List(Types.ProcessInfo), total :UInt32);
  statistics @11 () -> (error :Types.Error, statistics :Types.GuestStatistics);
  pathInfo @12 (path :Data, followLink :Bool) -> (error :Types.Error, info :Types.PathInfo);
  pack @13 (request :Types.PackRequest, sink :Types.ByteSink) -> (error :Types.Error, transfer :Transfer);
  unpack @14 (request :Types.UnpackRequest) -> (error :Types.Error, transfer :Transfer);
  # As the agent's, for clients. An empty user means the box's.
}

struct ExecSpec {
  argv @0 :List(Data);
  env @1 :List(Data);
  workingDir @2 :Data;
  user @3 :Data;
  stdin @4 :Bool;
  # false: the program reads end-of-file at once.
  terminal @5 :Types.TerminalSize;
  # As in ProcessSpec.
  timeoutMs @6 :UInt32;
  # 0: none. After it the exec's process group gets SIGTERM, and kTimeoutGrace later all that is in its
  # control group SIGKILL.
  detached @7 :Bool;
  # Nobody reads: the sinks are null. Its output is kept in its rings, and its exit, for later clients.
}

struct ExecInfo {
  id @0 :Text;
  argv @1 :List(Data);
  running @2 :Bool;
  exit @3 :Types.ExitStatus;
  # When it has ended.
  timedOut @4 :Bool;
  startedNs @5 :Int64;
  endedNs @6 :Int64;
  # Since 1970, host's time; 0: not ended.
  terminal @7 :Bool;
  attached @8 :Bool;
  # A client reads its output now.
  stdoutBegin @9 :UInt64;
  stdoutEnd @10 :UInt64;
  stderrBegin @11 :UInt64;
  stderrEnd @12 :UInt64;
  # Byte offsets: what is kept of each stream, and how much there was.
}

interface Execution {
  # A client's hold on one exec. Dropping it (a client that dies drops all it has) frees its streams for
  # another client; the program lives on. Input that comes from a pipe then ends, unless detach() came first.

  wait @0 () -> (error :Types.Error, exit :Types.ExitStatus, timedOut :Bool,
                 stdoutEnd :UInt64, stderrEnd :UInt64);
  # After all output went to this hold's sinks, as often as asked. The ends are the streams' whole lengths.
  # unavailable: the box went away first.
  signal @1 (number :Int32) -> (error :Types.Error);
  # To the program's process group.
  stdin @2 () -> (sink :Types.ByteSink);
  resize @3 (size :Types.TerminalSize) -> (error :Types.Error);
  # wrongState: it has no terminal.
  detach @4 () -> ();
  # This hold goes without ending anything: the program's input stays open for a later client.
}

interface MainAttachment {
  # Dropping it frees main of this reader.
  shown @0 (logOffset :UInt64) -> ();
  # Everything before this offset of main.log has been shown.
  stdin @1 () -> (sink :Types.ByteSink);
  resize @2 (size :Types.TerminalSize) -> (error :Types.Error);
}

interface Transfer {
  # A pack or unpack under way. Dropping it ends it.
  stdin @0 () -> (sink :Types.ByteSink);
  # unpack: where the tar stream goes; end() when it is whole.
  wait @1 () -> (error :Types.Error, skipped :UInt64);
  # Its end, after all it wrote was delivered; the error names the path in the box. As transferResult.
}
