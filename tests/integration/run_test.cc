// The main job, with real machines: a command inside a box, and what a docker user expects around
// it.
#include <signal.h>

#include "integration/cli_runner.h"

namespace boxlite::testing {
namespace {

using BoxRun = CliTest;
constexpr char kImage[] = "boxlite/base";

TEST_F(BoxRun, ShowsTheGuestsOwnKernel) {
  const std::string guest = Ok({"run", "--rm", kImage, "uname", "-r"});
  EXPECT_NE(guest.find("cloud-amd64"), std::string::npos) << guest;
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "") << "--rm leaves no box";
}

TEST_F(BoxRun, GivesMainsExitCodeAndItsTwoStreams) {
  const CliResult result =
      Run({"run", "--rm", kImage, "sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(result.code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST_F(BoxRun, TellsAMissingCommandFromAnUnrunnableOne) {
  const CliResult missing = Run({"run", "--rm", kImage, "no-such-command"});
  EXPECT_EQ(missing.code, 127) << missing.err;
  EXPECT_NE(missing.err.find("no-such-command"), std::string::npos) << missing.err;
  const CliResult unrunnable = Run({"run", "--rm", kImage, "/etc/passwd"});
  EXPECT_EQ(unrunnable.code, 126) << unrunnable.err;
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "") << "nothing half-made stays";
}

TEST_F(BoxRun, RefusesAnUnknownUserInWords) {
  const CliResult result = Run({"run", "--rm", "-u", "nobody-here", kImage, "true"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("nobody-here"), std::string::npos) << result.err;
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "");
}

TEST_F(BoxRun, GivesMainWhatDockerGives) {
  const std::string id =
      Ok({"run", "-d", "--name", "a", "--hostname", "lab", "-e", "COLOUR=blue", "-w", "/made/here",
          "--memory", "256", "--disk-size", "2g", "--label", "k=v", kImage, "sleep", "1000"});
  EXPECT_EQ(Ok({"exec", "a", "hostname"}), "lab");
  EXPECT_EQ(Ok({"exec", "a", "pwd"}), "/made/here");
  EXPECT_EQ(Ok({"exec", "a", "sh", "-c", "echo $COLOUR $HOME $(id -u)"}), "blue /root 0");
  EXPECT_EQ(Ok({"exec", "-u", "box", "a", "sh", "-c", "id -un; id -gn; echo $HOME"}),
            "box\nbox\n/home/box");
  EXPECT_EQ(Ok({"exec", "-u", "1234:5678", "a", "sh", "-c", "id -u; id -g"}), "1234\n5678");
  EXPECT_EQ(Ok({"exec", "a", "sh", "-c", "cat /proc/1/cmdline | tr '\\0' ' '"}), "sleep 1000 ");
  EXPECT_EQ(Ok({"exec", "a", "sh", "-c", "grep CapEff /proc/1/status"}),
            "CapEff:\t00000000a80425fb")
      << "docker's default set";
  EXPECT_EQ(Ok({"exec", "-u", "box", "a", "sh", "-c", "grep CapEff /proc/self/status"}),
            "CapEff:\t0000000000000000");
  // The whole filesystem has grown to the disk.
  const std::string size = Ok({"exec", "a", "sh", "-c", "df -m / | tail -n 1 | awk '{print $2}'"});
  EXPECT_GT(std::stoi(size), 1900) << size;
  EXPECT_LE(std::stoi(size), 2048) << size;
  EXPECT_EQ(Ok({"exec", "a", "sh", "-c",
                "test -c /dev/null && test -d /dev/shm && test -e "
                "/dev/pts/ptmx && test -r /sys/kernel && test -r /proc/meminfo && echo all"}),
            "all");
  EXPECT_NE(Run({"exec", "a", "sh", "-c", "echo 1 > /proc/sys/kernel/panic"}).code, 0);
  EXPECT_NE(Run({"exec", "a", "mount", "-t", "tmpfs", "none", "/mnt"}).code, 0)
      << "no CAP_SYS_ADMIN";
  // The guest's clock and hosts file.
  const long here = static_cast<long>(::time(nullptr));
  EXPECT_NEAR(std::stol(Ok({"exec", "a", "date", "+%s"})), here, 5);
  EXPECT_NE(Ok({"exec", "a", "cat", "/etc/hosts"}).find("lab"), std::string::npos);
  EXPECT_EQ(Inspect("a", "{{.Id}}"), id);
}

TEST_F(BoxRun, TwoBoxesShareNoRandomness) {
  const std::string read = "cat /proc/sys/kernel/random/uuid /proc/sys/kernel/random/boot_id";
  const std::string first = Ok({"run", "--rm", kImage, "sh", "-c", read});
  const std::string second = Ok({"run", "--rm", kImage, "sh", "-c", read});
  EXPECT_EQ(first.size(), 73u);
  EXPECT_NE(first.substr(0, 36), second.substr(0, 36));
  EXPECT_NE(first.substr(37), second.substr(37));
}

TEST_F(BoxRun, PassesAnyBytesButNul) {
  const std::string odd = "a\xff\x80 \n\t\"'$`\\b";
  EXPECT_EQ(Ok({"run", "--rm", "-e", "ODD=" + odd, kImage, "sh", "-c", "printf %s \"$ODD\""}), odd);
  EXPECT_EQ(Ok({"run", "--rm", kImage, "printf", "%s", odd}), odd);
}

TEST_F(BoxRun, PassesManyAndLongVariables) {
  Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  std::vector<std::string> args = {"exec"};
  for (int i = 0; i < 2000; ++i) {
    args.push_back("-e");
    args.push_back("V" + std::to_string(i) + "=" + std::to_string(i));
  }
  args.push_back("-e");
  args.push_back("LONG=" + std::string(128 * 1024 - 16, 'x'));
  for (const char* word : {"a", "sh", "-c", "echo $V0 $V1999 ${#LONG} $(env | wc -l)"}) {
    args.push_back(word);
  }
  const std::string told = Ok(args);
  EXPECT_TRUE(told.starts_with("0 1999 131056 20")) << told;
}

TEST_F(BoxRun, CopiesBinaryStreamsThroughAnExec) {
  Ok({"run", "-d", "--name", "a", kImage, "sleep", "1000"});
  std::string bytes;
  unsigned state = 1;
  for (int i = 0; i < 3 * 1024 * 1024; ++i) {
    state = state * 1103515245 + 12345;
    bytes.push_back(static_cast<char>(state >> 16));
  }
  CliResult echoed = Run({"exec", "-i", "a", "sh", "-c", "cat"}, bytes.substr(0, 60000));
  EXPECT_EQ(echoed.out, bytes.substr(0, 60000));
  const CliResult out =
      Run({"exec", "a", "sh", "-c", "head -c 20000000 /dev/zero | tr '\\0' x; exit 3"});
  EXPECT_EQ(out.code, 3);
  EXPECT_EQ(out.out.size(), 20'000'000u);
}

TEST_F(BoxRun, ProxiesSignalsToMain) {
  RunningCli cli =
      Launch({"run", "--rm", kImage, "sh", "-c",
              "trap 'echo got it; exit 5' TERM; echo ready; while :; do sleep 1; done"});
  cli.ReadUntil("ready");
  cli.Signal(SIGTERM);
  const CliResult result = cli.Finish();
  EXPECT_EQ(result.code, 5) << result.err;
  EXPECT_NE(result.out.find("got it"), std::string::npos);
  EXPECT_EQ(Ok({"ls", "-a", "-q"}), "");
}

TEST_F(BoxRun, EndsWithItsMakerWhenItIsAttached) {
  RunningCli cli = Launch({"run", "--name", "a", kImage, "sh", "-c", "echo ready; sleep 1000"});
  cli.ReadUntil("ready");
  cli.Signal(SIGKILL);
  EXPECT_EQ(cli.Finish().code, 137);
  // Its end is an event: wait returns when the box has noticed.
  Run({"wait", "a"});
  Ok({"stop", "a"});
  EXPECT_EQ(StateOf("a"), "stopped");
}

TEST_F(BoxRun, KeepsABoxOfOddHomes) {
  UseHome("a home, with = spaces\nand a newline " + std::string(200, 'x') + "/" +
          std::string(60, 'y'));
  EXPECT_EQ(Ok({"run", "--rm", kImage, "echo", "hello"}), "hello");
}

TEST_F(BoxRun, RefusesTooLittleMemoryBeforeItBoots) {
  const CliResult result = Run({"run", "--rm", "--memory", "16", kImage, "true"});
  EXPECT_EQ(result.code, 1);
  EXPECT_NE(result.err.find("128 MiB"), std::string::npos) << result.err;
  EXPECT_EQ(Ok({"run", "--rm", "--memory", "128", kImage, "echo", "small"}), "small");
}

TEST_F(BoxRun, RefusesASecondBoxOfTheSameName) {
  Ok({"create", "--name", "a", kImage, "true"});
  const CliResult second = Run({"create", "--name", "a", kImage, "true"});
  EXPECT_EQ(second.code, 1);
  EXPECT_NE(second.err.find("already_exists"), std::string::npos) << second.err;
  EXPECT_EQ(Run({"ls", "-a", "-q"}).out.size(), 13u) << "one id and a newline";
}

}  // namespace
}  // namespace boxlite::testing
