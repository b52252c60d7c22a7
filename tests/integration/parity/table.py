"""The case table: what docker's users do with a container, each done with podman and with a box.

Only data. What a case is made of stands in steps.py; docs/testing.md tells how to add one.
"""
import pathlib
import re

from steps import (ALONE, ENDED, LIVE, Begin, Case, Cli, Finish, Shell, Signal, Terminal, Tree, Until)

ALL_BYTES = bytes(range(256)) * 4096  # 1 MiB
ODD_BYTES = b"\xff\xfe \x01\xc3\x28"
COUNT_BYTES = "sh -c 'wc -c'"
# A main that says when it is ready, and what it gets.
TRAPS = ("trap 'echo got TERM; exit 5' TERM; trap 'echo got USR1' USR1; trap 'echo got HUP' HUP; "
         "trap 'echo got INT; exit 6' INT; echo ready; while :; do sleep 0.1; done")

# Reasons, for differences that more than one case shows.
REFUSED = "a request that fails is 1, whatever failed (docs/errors.md); podman's number depends on where it failed"
USAGE = "a command line that cannot be read is 2, as in most programs; podman's is 125"
FORCED = "boxlite says when it had to use force"
STATES = "a box's states have names of their own (docs/box-states.md)"
BYTES = "podman passes words through JSON, which replaces what is not UTF-8; boxlite passes bytes"
STARTED_FOR_YOU = "podman runs a program that runc then cannot execute, and gives runc's 1; a shell gives this code"
ALL_DONE = "boxlite does what can be done and names the rest, as docker does; podman stops at the first"
FORCE_MISSING = "a name that is not there may be a mistake, also with -f; podman is silent"
MADE_WORKDIR = "run makes the directory, as docker does; podman refuses"
DASHES = "-- before the command is accepted, which scripts need for a command from elsewhere; podman runs a program --"
ATTACHED = "attach ends as main does, as docker's does; podman's ends with 0"
NOT_EXECUTED = "exec -d ends as exec does when its command cannot be executed"
EXEC_ID = "an exec is called by a short number of its box"
LEFT = "leaving by the detach keys is no failure, as docker's; podman's exec ends with 255"
STOPPED = "only its machine reads a box's disk, and booting it would run the user's command again (docs/cp.md)"
LINK = "a symbolic link is copied as one unless -L is given, as docker does; podman follows it"
SPECIAL_BITS = "a box cannot bring programs with set-id bits to the host; -a keeps them (docs/cp.md)"
SLASH = "a directory's name in the stream ends with a slash, as tar writes it and docker's does"
ROOT = "a path without a slash at its begin is of the box's root, as docker's; podman's is of nowhere"
UNKNOWN_VARIABLE = "boxlite says that a variable to pass on is not set; podman is silent"

CASES = []


def refused(step=1, podman=125):
    return {f"{step} exit": (podman, 1, REFUSED)}


def misused(step=1, podman=125):
    return {f"{step} exit": (podman, 2, USAGE)}


def forced(step):
    return {f"{step} stderr": ("", "something", FORCED)}


def case(name, *steps, **more):
    CASES.append(Case(name, steps, **more))


def without_special_bits():
    return {"3 stdout": (re.compile(r"(?s).*/a 104711 .*"), re.compile(r"(?s).*/a 100711 .*"), SPECIAL_BITS)}


def live(name, *steps, **more):
    case(name, *steps, on=LIVE, **more)


def ended(name, *steps, **more):
    case(name, *steps, on=ENDED, **more)


# --- exec: exit codes
live("exec.exit-0", "exec @box true")
live("exec.exit-1", "exec @box false")
live("exec.exit-7", "exec @box sh -c 'exit 7'")
live("exec.exit-255", "exec @box sh -c 'exit 255'")
live("exec.exit-is-modulo-256", "exec @box sh -c 'exit 263'")
live("exec.no-such-command", "exec @box no-such-command")
live("exec.no-such-path", "exec @box /no/such/command")
live("exec.a-directory", "exec @box /etc")
live("exec.a-file-that-is-no-program", "exec @box /etc/passwd")
live("exec.no-known-format",
     "exec @box sh -c 'echo echo hi > /tmp/@name; chmod 755 /tmp/@name'", "exec @box /tmp/@name",
     differs={"2 exit": (1, 126, STARTED_FOR_YOU)})
live("exec.no-interpreter",
     "exec @box sh -c 'echo \"#!/no/such\" > /tmp/@name; chmod 755 /tmp/@name'", "exec @box /tmp/@name",
     differs={"2 exit": (1, 127, STARTED_FOR_YOU)})
live("exec.killed-by-kill", "exec @box sh -c 'kill -KILL $$'")
live("exec.killed-by-term", "exec @box sh -c 'kill -TERM $$'")
live("exec.killed-by-segv", "exec @box sh -c 'kill -SEGV $$'")
live("exec.no-command", "exec @box",
     differs=misused(podman=255))
live("exec.unknown-box", "exec no-such-box true",
     differs=refused())
live("exec.unknown-option", "exec --no-such-option @box true",
     differs=misused())

# --- exec: streams
live("exec.streams-are-separate", Cli("exec @box sh -c 'echo out; echo err >&2; exit 3'", err="exact"))
live("exec.stdout-only", "exec @box echo hello")
live("exec.no-newline-is-added", "exec @box printf hello")
live("exec.binary-out", Shell("cli exec @box cat /bin/busybox | sha256sum"))
live("exec.binary-both-ways", Shell("cli exec -i @box cat | sha256sum", stdin=ALL_BYTES))
live("exec.stdin-has-an-end", Cli("exec -i @box " + COUNT_BYTES, stdin=b"x" * 100000))
live("exec.stdin-without-i-is-empty", Cli("exec @box " + COUNT_BYTES, stdin=b"not for the box"))
live("exec.stdin-unread", Cli("exec -i @box true", stdin=ALL_BYTES))
live("exec.stdin-half-read", Cli("exec -i @box head -c 5", stdin=b"hello" + ALL_BYTES))
live("exec.interactive-shell", Cli("exec -i @box sh", stdin=b"echo one\nexit 4\n"))
live("exec.reader-leaves", Shell("cli exec @box seq 1000000 | head -n 1"))
live("exec.stdin-of-none-is-readable", "exec @box sh -c 'read x; echo $?'")
live("exec.child-stays-behind",
     "exec @box sh -c 'sleep 5555 >/dev/null 2>&1 & echo started'",
     "exec @box sh -c 'pkill -f \"sleep 5555\"'")
live("exec.two-at-once", Shell("cli exec @box sh -c 'sleep 0.2; echo one' > a & cli exec @box echo two > b; wait; cat a b"))
live("exec.no-terminal", "exec @box tty")

# --- exec: words
live("exec.words-stay-words",
     Cli(["exec", "@box", "printf", "[%s]", "", " a b ", "x\ny", "'", '"', "\\", "*", "$HOME", "`id`", ";", "|"]))
live("exec.words-of-odd-bytes", Cli(["exec", "@box", "printf", "[%s]", ODD_BYTES, "é".encode()]),
     differs={"1 stdout": ("[\ufffd\ufffd \x01\ufffd(][é]", "[\\xff\\xfe \x01\\xc3(][é]", BYTES)})
live("exec.dashes-are-the-commands", "exec @box echo -n -- --rm -e x")
live("exec.double-dash", "exec @box -- echo hi",
     differs={"1 exit": (127, 0, DASHES), "1 stdout": ("", "hi\n", DASHES), "1 stderr": ("something", "", DASHES)})
live("exec.double-dash-before-box", "exec -- @box echo hi")
live("exec.a-long-word", Shell("cli exec @box sh -c 'printf %s \"$1\" | wc -c' x \"$(printf %0100000d 0)\""))
live("exec.two-hundred-words", Shell("cli exec @box sh -c 'echo $#' $(seq 200)"))

# --- exec: environment
PRINT_VARIABLES = "sh -c 'echo \"[$A][$B][${C-unset}][${D-unset}]\"'"
live("exec.env-value", "exec -e A=1 -e 'B=two words' -e C= @box " + PRINT_VARIABLES)
live("exec.env-from-the-caller", Cli("exec -e A -e B @box " + PRINT_VARIABLES, env={"A": "mine"}),
     differs={"1 stderr": ("", "something", UNKNOWN_VARIABLE)})
live("exec.env-unset-in-the-caller", Cli("exec -e NO_SUCH_VARIABLE @box sh -c 'echo ${NO_SUCH_VARIABLE-unset}'", err="any"))
live("exec.env-last-wins", "exec -e A=1 -e A=2 @box " + PRINT_VARIABLES)
live("exec.env-equals-in-the-value", "exec -e A=x=y=z @box " + PRINT_VARIABLES)
live("exec.env-without-a-name", "exec -e =x @box true",
     differs=misused())
live("exec.env-newline", Cli(["exec", "-e", "A=one\ntwo", "@box", "sh", "-c", "echo \"$A\""]))
live("exec.env-odd-bytes", Cli(["exec", "-e", b"A=" + ODD_BYTES, "@box", "sh", "-c", "echo \"$A\""]),
     differs={"1 stdout": ("\ufffd\ufffd \x01\ufffd(\n", "\\xff\\xfe \x01\\xc3(\n", BYTES)})
live("exec.env-file", "exec --env-file @dir/env -e D=over @box " + PRINT_VARIABLES,
     files={"env": b"# a comment\n\nA=1\nB=\"quoted\"  \nC=a # b\nD=file\n"})
live("exec.env-file-names-the-callers", Cli("exec --env-file @dir/env @box " + PRINT_VARIABLES, env={"A": "mine"}),
     files={"env": b"A\nB=\n"})
live("exec.env-file-missing", "exec --env-file @dir/nothing @box true",
     differs=misused())
live("exec.env-of-the-box", "exec @box sh -c 'echo $BOXVAR'")
live("exec.env-over-the-box", "exec -e BOXVAR=mine @box sh -c 'echo $BOXVAR'")
live("exec.env-path", "exec @box sh -c 'echo $PATH'")
live("exec.env-path-is-searched", "exec -e PATH=/no/such @box echo hi")
live("exec.env-whole", Shell("cli exec @box env | sort | sed s/^HOSTNAME=.*/HOSTNAME=/"),
     differs={
         "1 stdout": (re.compile("BOXVAR=of the box\nHOME=.*\nHOSTNAME=\nPATH=.*\nTERM=xterm\ncontainer=podman\n|BOXVAR=of the box\nHOME=.*\nPATH=.*\nTERM=xterm\ncontainer=podman\n"),
                      re.compile("BOXVAR=of the box\nHOME=/root\nPATH=.*\n"),
                      "podman adds container=podman, and TERM where there is no terminal")})
live("exec.home", "exec @box sh -c 'echo $HOME'")
live("exec.home-of-a-user", "exec -u box @box sh -c 'echo $HOME'")

# --- exec: user
live("exec.user-name", "exec -u box @box id")
live("exec.user-number", "exec -u 1000 @box id")
live("exec.user-number-without-a-name", "exec -u 1234 @box sh -c 'id -u; id -g; id -G'")
live("exec.user-and-group", "exec -u box:nogroup @box id")
live("exec.user-and-group-numbers", "exec -u 12:34 @box sh -c 'id -u; id -g; id -G'")
live("exec.user-root-by-default", "exec @box id")
live("exec.user-unknown", "exec -u nosuchuser @box true",
     differs=refused(podman=255))
live("exec.group-unknown", "exec -u box:nosuchgroup @box true",
     differs=refused(podman=255))
live("exec.user-may-not-write", "exec -u box @box sh -c 'echo x > /etc/x'")

# --- exec: working directory
live("exec.workdir-of-the-box", "exec @box pwd")
live("exec.workdir", "exec -w /etc @box pwd")
live("exec.workdir-missing", "exec -w /no/such @box pwd",
     differs=refused(podman=127))
live("exec.workdir-is-a-file", "exec -w /etc/passwd @box pwd",
     differs=refused(podman=255))
live("exec.workdir-relative", "exec -w etc @box pwd",
     differs=refused(podman=255))
live("exec.relative-command",
     "exec @box sh -c 'printf \"#!/bin/sh\\necho hi\" > /tmp/@name; chmod 755 /tmp/@name'",
     "exec -w /tmp @box ./@name")

# --- exec: what it shares with main
live("exec.sees-main", Cli("exec @box ps", see="sleep 99999"))
live("exec.files-stay", "exec @box sh -c 'echo kept > /tmp/@name'", "exec @box cat /tmp/@name")
live("exec.umask", "exec @box sh -c umask")
live("exec.hostname", "exec @box sh -c '[ -n \"$(hostname)\" ] && [ \"$(hostname)\" = \"$(cat /etc/hostname)\" ]'")
live("exec.pid-namespace", "exec @box sh -c 'cat /proc/1/cmdline | tr \"\\0\" \" \"'")

# --- exec: detached
live("exec.detached", "exec -d @box sh -c 'echo done > /tmp/@name'",
     Until("exec @box cat /tmp/@name", "done"),
     differs={"1 stdout": (re.compile("<id>\n"), re.compile("exec-[0-9]+\n"), EXEC_ID)})
live("exec.detached-no-such-command", "exec -d @box no-such-command", differs={"1 exit": (125, 127, NOT_EXECUTED)})

# --- exec: terminals
# Key by key: podman takes keys that arrive together for input.
DETACH = (("tick", b"\x18"), ("tick", b"x"))
live("exec.terminal-ends-lines-with-crlf", "exec -t @box sh -c 'echo one; echo two >&2'")
# Without its number: other cases have terminals meanwhile.
live("exec.terminal-tty", Terminal("exec -it @box sh -c 'tty | tr -d 0-9'"))
live("exec.terminal-size", Terminal("exec -it @box stty size", size=(33, 111)))
live("exec.terminal-exit-code", Terminal("exec -it @box sh -c 'exit 7'"))
live("exec.terminal-dialogue",
     Terminal("exec -it @box sh -c 'stty -echo; echo ask; read x; echo got $x'", dialogue=(("ask", b"me\r"),)))
live("exec.terminal-ctrl-c",
     Terminal("exec -it @box sh -c 'trap \"echo INT; exit 6\" INT; echo ready; while :; do sleep 0.1; done'",
              dialogue=(("ready", b"\x03"),), see="INT|ready"))
live("exec.terminal-ctrl-d",
     Terminal("exec -it @box sh -c 'stty -echo; echo ready; cat; echo end'", dialogue=(("ready", b"\x04"),)))
live("exec.terminal-term-is-set", Terminal("exec -it @box sh -c 'echo $TERM'"))
live("exec.terminal-detach-keys",
     Terminal("exec -it --detach-keys ctrl-x,x @box sh -c 'while :; do echo tick; sleep 0.1; done'",
              dialogue=DETACH, see="nothing"), differs={"1 exit": (255, 0, LEFT)})

# --- a box that has ended: logs, wait, inspect and what is refused
ended("logs.both-streams", Cli("logs @box", err="exact"))
ended("logs.stdout-alone", Shell("cli logs @box 2>/dev/null"))
ended("logs.stderr-alone", Shell("cli logs @box 2>&1 >/dev/null"))
# By --tail: podman's -n is another option, docker's is --tail.
ended("logs.tail-1", Cli("logs --tail 1 @box", err="exact"))
ended("logs.tail-2", Shell("cli logs --tail 2 @box 2>&1"))
ended("logs.tail-0", Cli("logs --tail 0 @box", err="exact"))
ended("logs.tail-all", Cli("logs --tail all @box", err="exact"),
     differs={
         "1 exit": (125, 0, "all is docker's word, podman has none"), "1 stdout": ("", "one\ntwo\nthree\n", "the same"),
         "1 stderr": (re.compile("Error: invalid argument [\s\S]*"), "err\n", "the same")})
ended("logs.tail-more-than-there-is", Cli("logs --tail 100 @box", err="exact"))
ended("logs.tail-not-a-number", "logs --tail x @box",
     differs=misused())
ended("logs.follow-ends", Cli("logs -f @box", err="exact"))
ended("logs.unknown-box", "logs no-such-box",
     differs=refused())
ended("logs.timestamps", Cli("logs -t @box", see=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S* (\w+)$"))
ended("logs.since-now", "logs --since 0s @box")
ended("logs.since-long-ago", Cli("logs --since 24h @box", err="exact"))
ended("logs.since-a-date", Cli("logs --since 2020-01-01T00:00:00Z @box", err="exact"))
ended("logs.until-long-ago", Cli("logs --until 2020-01-01T00:00:00Z @box", err="exact"))
ended("wait.repeatable", "wait @box", "wait @box")
ended("wait.several", "wait @box @box")
ended("wait.unknown-box", "wait no-such-box",
     differs=refused())
ended("kill.of-an-ended-box", "kill @box",
     differs=refused())
ended("stop.of-an-ended-box", "stop @box", "wait @box")
ended("exec.in-an-ended-box", "exec @box true",
     differs=refused(podman=255))
ended("inspect.exit-code", "inspect -f '{{.State.ExitCode}}' @box")
ended("inspect.running", "inspect -f '{{.State.Running}}' @box")
ended("inspect.name", "inspect -f '{{.Name}}' @box")
ended("inspect.status", "inspect -f '{{.State.Status}}' @box",
     differs={"1 stdout": ("exited\n", "stopped\n", STATES)})
ended("inspect.text-around", "inspect -f 'a{{.Name}}b{{.State.ExitCode}}' @box")
ended("inspect.bad-template", "inspect -f '{{.Name' @box",
     differs=misused())
ended("inspect.unknown-field", "inspect -f '{{.NoSuchField}}' @box",
     differs=refused())
ended("inspect.unknown-box", Cli("inspect no-such-box", out=False),
     differs=refused())
ended("inspect.json", Shell("cli inspect @box | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][\"Name\"])'"))
ended("top.of-an-ended-box", "top @box", differs=refused())
ended("attach.to-an-ended-box", "attach @box", differs=refused())

# --- the running box seen from outside
live("inspect.of-a-running-box", "inspect -f '{{.State.Status}} {{.State.Running}}' @box")
live("inspect.several", "inspect -f '{{.Name}}' @box @box")
live("start.of-a-running-box", "start @box",
     differs={"1 stdout": ("", "live\n", "boxlite prints what now runs, as docker does; podman only what it started")})
live("rm.of-a-running-box", "rm @box",
     differs=refused(podman=2))
live("ls.shows-its-name", Cli("ps", see="live|ended"))
live("ls.all", Cli("ps -a", see="live|ended"),
     differs={"1 stdout": ("live\nended", "ended\nlive", "boxlite lists the newest first, as docker does")})
live("ls.filter-name", Cli("ps -a --filter name=live", see="live|ended"))
live("ls.filter-status", Cli("ps -a --filter status=exited", see="live|ended"))
live("ls.filter-label", Cli("ps -a --filter label=kind=ended", see="live|ended"))
live("ls.filter-label-key", Cli("ps -a --filter label=kind", see="live|ended"))
live("ls.filter-exited-code", Cli("ps -a --filter exited=3", see="live|ended"))
live("ls.filter-unknown", "ps --filter nosuch=x", differs=misused())
live("top.shows-main", Cli("top @box", see="sleep 99999"))
live("stats.once", Cli("stats --no-stream @box", see="live"))
live("logs.of-a-silent-box", "logs @box")
live("rename.to-a-taken-name", "rename @box ended", differs=refused())

# --- create and the life of a box
case("create.then-start",
     "create --name @name @image sh -c 'echo hi; exit 2'", "inspect -f '{{.State.Status}}' @name",
     "start @name", "wait @name", Cli("logs @name", err="exact"), "inspect -f '{{.State.ExitCode}}' @name",
     differs={"2 stdout": ("created\n", "configured\n", STATES)})
case("create.name-taken", "create --name @name @image true", "create --name @name @image true",
     "run --name @name @image true", "rm @name",
     differs={**refused(2), **refused(3)})
case("create.bad-name", "create --name 'a b' @image true",
     differs=refused())
case("create.labels",
     "create --name @name -l a=1 --label 'b=two words' -l c @image true",
     "inspect -f '{{index @labels \"a\"}}|{{index @labels \"b\"}}|{{index @labels \"c\"}}' @name")
case("create.unknown-image", "create --name @name localhost/no/such:1 true",
     differs=refused())
case("create.no-image", "create",
     differs=misused())
case("create.unused-is-not-running", "create --name @name @image true", "kill @name", "exec @name true",
     "stop @name", "logs @name", "rm @name",
     differs={**refused(2), **refused(3, 255)})
case("create.is-removed-by-name", "create --name @name @image true", "rm @name", Cli("inspect @name", out=False),
     differs=refused(3))
case("rm.unknown-box", "rm no-such-box")
case("rm.force-unknown-box", "rm -f no-such-box",
     differs={"1 exit": (0, 1, FORCE_MISSING), "1 stderr": ("", "something", FORCE_MISSING)})
case("rm.one-of-two-is-missing", "create --name @name @image true", "rm no-such-box @name",
     Cli("inspect -f '{{.Name}}' @name"),
     differs={"2 stdout": ("", "rm-one-of-two-is-missing\n", ALL_DONE), "3 exit": (0, 1, ALL_DONE),
              "3 stdout": (re.compile("rm-one-of-two-is-missing\n"), "", ALL_DONE),
              "3 stderr": ("", "something", ALL_DONE)})
case("rm.no-box", "rm",
     differs=misused())
case("rename.keeps-the-box", "create --name @name @image true", "rename @name @name-b",
     "inspect -f '{{.Name}}' @name-b", Cli("inspect @name", out=False), differs=refused(4))
case("rename.of-an-unknown-box", "rename no-such-box @name", differs=refused())
case("start.again-keeps-the-disk",
     "create --name @name @image sh -c 'echo x >> /count; wc -l < /count; exit 4'",
     "start @name", "wait @name", "start @name", "wait @name", Cli("logs @name", err="exact"))
case("start.unknown-box", "start no-such-box",
     differs=refused())
case("start.attached", "create --name @name @image sh -c 'echo hi; exit 9'", "start -a @name")
case("stop.unknown-box", "stop no-such-box",
     differs=refused())
case("kill.unknown-box", "kill no-such-box",
     differs=refused())
case("restart.runs-again",
     "run -d --name @name @image sh -c 'echo x >> /count; wc -l < /count; trap \"exit 0\" TERM; while :; do sleep 0.1; done'",
     Until("logs @name", "1"), "restart -t 0 @name", Until("logs @name", "2"),
     "inspect -f '{{.State.Running}}' @name", "rm -f @name", Cli("inspect @name", out=False),
     differs={**forced(3), **refused(7)})

# --- run
case("run.exit-0", "run --rm @image true")
case("run.exit-7-and-streams", Cli("run --rm @image sh -c 'echo out; echo err >&2; exit 7'", err="exact"))
case("run.no-such-command", "run --rm @image no-such-command")
case("run.not-executable", "run --rm @image /etc/passwd")
case("run.main-is-pid-1-and-cannot-be-killed-from-inside", "run --rm @image sh -c 'kill -KILL $$; kill -TERM $$; echo alive'")
case("run.child-killed-by-a-signal", "run --rm @image sh -c 'sh -c \"kill -KILL \\$\\$\"; exit $?'")
case("run.unknown-option", "run --no-such-option @image true",
     differs=misused())
case("run.no-image", "run --rm",
     differs=misused())
case("run.unknown-user", "run --rm -u nosuchuser @image true",
     differs=refused(podman=126))
case("run.workdir-missing", "run --rm -w /no/such @image pwd",
     differs={
         "1 exit": (126, 0, MADE_WORKDIR), "1 stdout": ("", "/no/such\n", MADE_WORKDIR), "1 stderr": ("something", "", MADE_WORKDIR)})
case("run.workdir-user-and-hostname", "run --rm -w /tmp -u box --hostname named @image sh -c 'pwd; id; hostname'",
     differs={
         "1 stdout": (re.compile("[^ ]*uid=1000.box. gid=1000.box. groups=100.users.,1000.box.[^ ]*"), re.compile("[^ ]*uid=1000.box. gid=1000.box. groups=100.users.[^ ]*"),
                      "podman run repeats the primary group among the others, podman exec and boxlite do not")})
case("run.binary-out", Shell("cli run --rm @image cat /bin/busybox | sha256sum"))
case("run.words-stay-words", Cli(["run", "--rm", "@image", "printf", "[%s]", "", " a b ", "x\ny", "'", "$HOME", ODD_BYTES]),
     differs={"1 stdout": (re.compile(r"\[\]\[ a b \]\[x\ny\][\s\S]*"), "[][ a b ][x\ny]['][$HOME][\\xff\\xfe \x01\\xc3(]", BYTES)})
case("run.environment",
     Cli("run --rm -e A=1 -e B -e C= -e NO_SUCH_VARIABLE --env-file @dir/env @image " + PRINT_VARIABLES,
         env={"B": "mine"}, err="any"), files={"env": b"A=file\nD=file\n"})
case("run.entrypoint", "run --rm --entrypoint echo @image a b")
case("run.entrypoint-drops-the-images-command", "run --rm --entrypoint echo @image")
case("run.entrypoint-empty", "run --rm --entrypoint '' @image echo hi")
case("run.default-command-reads-no-stdin", Cli("run --rm @image", stdin=b"echo not run\n"))
case("run.double-dash-before-image", "run --rm -- @image echo hi")
case("run.double-dash-behind-image", "run --rm @image -- echo hi")
case("run.detached", "run -d --name @name @image sh -c 'echo hi; exit 3'", "wait @name", "logs @name",
     "wait @name")
case("run.detached-no-such-command", "run -d --name @name @image no-such-command")
case("run.rm-removes", "run --rm --name @name @image true", Cli("inspect @name", out=False),
     differs=refused(2))
case("run.detached-rm-removes", "run -d --rm --name @name @image sh -c 'sleep 0.3; exit 3'",
     Cli("wait @name", out=False, err="any"), Until("ps -a --format json", "^((?!@name)[\\s\\S])*$"))
case("run.kept-without-rm", "run --name @name @image sh -c 'exit 3'", "inspect -f '{{.State.ExitCode}}' @name", "rm @name")
case("run.term-is-passed-on", Begin(["run", "--rm", "@image", "sh", "-c", TRAPS], ready="ready"), Signal("TERM"), Finish())
case("run.int-is-passed-on", Begin(["run", "--rm", "@image", "sh", "-c", TRAPS], ready="ready"), Signal("INT"), Finish())
# podman sometimes complains of the pipe.
case("run.reader-leaves", Shell("cli run --rm @image seq 100000 | head -n 1", err="any"))
case("run.interactive", Cli("run --rm -i @image sh", stdin=b"echo one\nexit 4\n"))
case("run.interactive-binary", Shell("cli run --rm -i @image cat | sha256sum", stdin=ALL_BYTES))
case("run.in-a-pipe", Shell("echo x | cli run -i --rm @image cat | wc -c"))
case("run.terminal", Terminal("run --rm -it @image sh -c 'tty; stty size; exit 5'", size=(30, 100)))
case("run.terminal-without-one", "run --rm -t @image sh -c 'echo one; echo two >&2'")

# --- signals
case("kill.by-name-number-and-prefix",
     Begin(["run", "--name", "@name", "@image", "sh", "-c", TRAPS], ready="ready"),
     "kill -s USR1 @name", Until("logs @name", "USR1"), "kill -s 1 @name", Until("logs @name", "HUP"),
     "kill -s SIGUSR1 @name", Until("logs @name", "USR1[\\s\\S]*USR1"), "kill -s NOSUCH @name", "kill -s 99 @name",
     "kill --signal term @name", Finish(), "wait @name",
     differs={**misused(8), **misused(9)})
case("kill.without-a-signal", "run -d --name @name @image sleep 99999", "kill @name", "wait @name",
     "inspect -f '{{.State.ExitCode}}' @name", "kill @name",
     differs=refused(5))
case("kill.of-a-main-that-ignores-it", "run -d --name @name @image sleep 99999", "kill -s TERM @name",
     "inspect -f '{{.State.Running}}' @name")
case("kill.wakes-wait", "run -d --name @name @image sleep 99999", Begin("wait @name"), "kill @name", Finish())
case("stop.asks-first", "run -d --name @name @image sh -c '%s'" % TRAPS.replace("'", "\""),
     Until("logs @name", "ready"), "stop @name", "wait @name", "logs @name", "stop @name", "start @name",
     Until("logs @name", "ready[\\s\\S]*ready"), "stop -t 5 @name")
case("stop.kills-after-the-grace", "run -d --name @name @image sleep 99999", "stop -t 1 @name", "wait @name")
case("stop.without-grace", "run -d --name @name @image sh -c '%s'" % TRAPS.replace("'", "\""),
     Until("logs @name", "ready"), "stop --time 0 @name", "wait @name",
     differs=forced(3))
case("stop.signal-of-the-box", "run -d --name @name --stop-signal USR1 @image sh -c 'trap \"exit 8\" USR1; echo ready; while :; do sleep 0.1; done'",
     Until("logs @name", "ready"), "stop @name", "wait @name")
case("logs.follow-till-the-end",
     "run -d --name @name @image sh -c 'echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two >&2; exit 2'",
     Begin("logs -f @name", ready="one", err="exact"), "exec @name touch /go", Finish(), "wait @name")
case("attach.gets-output-and-exit-code",
     "run -d --name @name @image sh -c 'while [ ! -e /go ]; do echo tick; sleep 0.1; done; echo two; exit 2'",
     Begin("attach @name", ready="tick", see="two"), "exec @name touch /go", Finish(),
     differs={"4 exit": (0, 2, ATTACHED)})
case("attach.passes-stdin",
     "run -d -i --name @name @image sh -c 'read x; echo got $x; exit 3'",
     Cli("attach @name", stdin=b"me\n"), "wait @name",
     differs={"2 exit": (0, 3, ATTACHED),
              "2 stdout": ("got me\n\n", "got me\n", "podman ends a detached input with a line of its own")})
case("attach.detach-keys",
     "run -dit --name @name @image sh -c 'while :; do echo tick; sleep 0.1; done'",
     Terminal("attach --detach-keys ctrl-x,x @name", dialogue=DETACH, see="nothing"),
     "inspect -f '{{.State.Running}}' @name",
     differs={"1 stderr": ("something", "", "a detached box needs no terminal here; podman warns")})

# --- cp
FILES = {"f": b"content\n", "d/a": b"a\n", "d/sub/b": b"b\n", "d/link": pathlib.PurePath("a"), "d/run": b"#!/bin/sh\n",
         "e/present": b"old\n"}
LOOK = ("exec @box sh -c 'cd /tmp/@name && find . | sort | while read -r p; do stat -c \"%n %F %a %u:%g %s %N\" \"$p\"; done; "
        "cat $(find . -type f | sort)'")


def copy_in(name, source, target, prepare="mkdir -p /tmp/@name", **more):
    live(name, "exec @box sh -c '%s'" % prepare, f"cp {source} @box:/tmp/@name{target}", LOOK,
         files=FILES, **more)


def copy_out(name, source, target, **more):
    live(name, "exec @box sh -c 'mkdir -p /tmp/@name/d/sub; cd /tmp/@name; echo content > f; echo a > d/a; echo b > d/sub/b; "
         "ln -s a d/link; chmod 750 d/sub; chmod 4711 d/a; chown 1000:100 f'",
         f"cp @box:/tmp/@name/{source} @dir/{target}", Tree("out"), files={"out/present": b"old\n"}, **more)


copy_in("cp.file-into-directory", "@dir/f", "")
copy_in("cp.file-into-directory-with-slash", "@dir/f", "/")
copy_in("cp.file-to-new-name", "@dir/f", "/g")
copy_in("cp.file-over-file", "@dir/f", "/g", "mkdir -p /tmp/@name; echo something longer > /tmp/@name/g")
copy_in("cp.file-to-missing-directory-with-slash", "@dir/f", "/no/", differs=refused(2))
copy_in("cp.file-below-missing-directory", "@dir/f", "/no/g", differs=refused(2))
copy_in("cp.missing-file", "@dir/nothing", "/g", differs=refused(2))
copy_in("cp.directory-into-directory", "@dir/d", "")
copy_in("cp.directory-to-new-name", "@dir/d", "/new")
copy_in("cp.contents-of-directory", "@dir/d/.", "")
copy_in("cp.contents-to-new-name", "@dir/d/.", "/new")
copy_in("cp.directory-over-file", "@dir/d", "/g", "mkdir -p /tmp/@name; echo x > /tmp/@name/g", differs=refused(2))
copy_in("cp.file-with-slash-behind", "@dir/f/", "/g", differs=refused(2))
copy_in("cp.link-itself", "@dir/d/link", "/g",
        differs={"3 stdout": (re.compile(r"(?s).*/g regular file.*"), re.compile(r"(?s).*/g symbolic link.*"), LINK)})
copy_in("cp.link-below-which-is-a-directory", "@dir/f", "/link/",
        "mkdir -p /tmp/@name/real; ln -s real /tmp/@name/link")
copy_out("cp.out-file-into-directory", "f", "out")
copy_out("cp.out-file-to-new-name", "f", "out/g")
copy_out("cp.out-file-over-file", "f", "out/present")
copy_out("cp.out-missing-file", "nothing", "out", differs=refused(2))
copy_out("cp.out-directory-into-directory", "d", "out", differs=without_special_bits())
copy_out("cp.out-directory-to-new-name", "d", "out/new", differs=without_special_bits())
copy_out("cp.out-contents-of-directory", "d/.", "out", differs=without_special_bits())
copy_out("cp.out-directory-over-file", "d", "out/present", differs=refused(2))
copy_out("cp.out-file-below-missing-directory", "f", "out/no/g", differs=refused(2))
live("cp.tar-out", "exec @box sh -c 'mkdir /tmp/@name; echo a > /tmp/@name/a'",
     Shell("cli cp @box:/tmp/@name - | tar -tf - | sort"),
     differs={"2 stdout": (re.compile("cp-tar-out\n.*\n"), re.compile("cp-tar-out/\n.*\n"), SLASH)})
live("cp.tar-in", "exec @box mkdir /tmp/@name",
     Shell("tar --owner 12 --group 34 -C @dir -cf - d | cli cp - @box:/tmp/@name"), LOOK, files=FILES)
live("cp.relative-to-the-boxs-root", "cp @dir/f @box:tmp/@name", "exec @box cat /tmp/@name", files=FILES,
     differs={"1 exit": (125, 0, ROOT), "1 stderr": ("something", "", ROOT), "2 exit": (1, 0, ROOT),
              "2 stdout": ("", "content\n", ROOT), "2 stderr": ("something", "", ROOT)})
live("cp.unknown-box", "cp @dir/f no-such-box:/tmp", files=FILES, differs=refused())
live("cp.between-host-paths", "cp @dir/f @dir/g", files=FILES, differs=misused())
live("cp.big-file", Shell("head -c 20000000 /dev/urandom > big; cli cp big @box:/tmp/@name && cli cp @box:/tmp/@name back && cmp big back"),
     "exec @box rm -f /tmp/@name")
ended("cp.out-of-an-ended-box", "cp @box:/etc/hosts @dir/f",
      differs={"1 exit": (0, 1, STOPPED), "1 stderr": ("", "something", STOPPED)})

# --- what looks at all boxes
case("ls.empty", "ps -a -q", on=ALONE)
case("ls.quiet", "create --name @name @image true", "ps -q", "ps -aq", on=ALONE)
case("ls.no-boxes-is-a-header", Cli("ps", see="NAMES"), on=ALONE)
case("prune.removes-what-does-not-run",
     "create --name @name @image true", "run -d --name @name-b @image sleep 99999",
     Cli("prune -f", out=False), "inspect -f '{{.Name}}' @name-b", Cli("inspect @name", out=False), on=ALONE,
     differs=refused(5))

# --- the program itself
live("help.of-exec", Cli("exec --help", see="Usage:"))
live("help.of-all", Cli("--help", see="Usage:"))
live("version.option", Cli("--version", out=False))
live("version.verb", Cli("version", out=False))
live("unknown-verb", "nosuchverb",
     differs=misused())
