// What each verb makes of its words.
#include "boxlite/cli/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include "boxlite/cli/subcommand.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Words = std::vector<std::string>;

template <typename Request>
Result<Request> Parse(const Subcommand& subcommand, Result<Request> (*parse)(const Arguments&),
                      Words words) {
  Result<Arguments> arguments = Arguments::Parse(subcommand.syntax, words);
  if (!arguments.ok()) return std::move(arguments).error();
  return parse(*arguments);
}

Result<CreateRequest> Create(Words words) { return Parse(kCreate, ParseCreate, std::move(words)); }
Result<ExecRequest> Exec(Words words) { return Parse(kExec, ParseExec, std::move(words)); }
Result<ListRequest> List(Words words) { return Parse(kList, ParseList, std::move(words)); }
Result<InspectRequest> Inspect(Words words) {
  return Parse(kInspect, ParseInspect, std::move(words));
}

TEST(RunRequest, SaysHowThisProcessStandsByMain) {
  const auto run = [](Words words) { return Parse(kRun, ParseRun, std::move(words)); };
  Result<RunRequest> plain = run({"image"});
  ASSERT_TRUE(plain.ok());
  EXPECT_TRUE(plain->client.proxies_signals);
  EXPECT_EQ(plain->client.detach_keys, "\x10\x11");
  EXPECT_FALSE(plain->box.options.interactive || plain->box.options.terminal);
  Result<RunRequest> terminal =
      run({"-it", "--sig-proxy=false", "--detach-keys", "ctrl-x", "image", "-t"});
  ASSERT_TRUE(terminal.ok()) << terminal.error().message();
  EXPECT_FALSE(terminal->client.proxies_signals);
  EXPECT_EQ(terminal->client.detach_keys, "\x18");
  EXPECT_TRUE(terminal->box.options.interactive && terminal->box.options.terminal);
  EXPECT_FALSE(run({"--detach-keys", "meta-x", "image"}).ok());
}

TEST(StartRequest, StaysWithOneBoxOnly) {
  const auto start = [](Words words) { return Parse(kStart, ParseStart, std::move(words)); };
  EXPECT_FALSE(start({"a", "b"})->attach);
  EXPECT_TRUE(start({"-a", "b"})->attach);
  EXPECT_TRUE(start({"-i", "b"})->attach) << "as docker";
  EXPECT_FALSE(start({"-a", "a", "b"}).ok());
}

TEST(AttachRequest, TakesOneBox) {
  const auto attach = [](Words words) { return Parse(kAttach, ParseAttach, std::move(words)); };
  Result<AttachRequest> request = attach({"web", "--no-stdin"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->box, "web");
  EXPECT_TRUE(request->no_stdin);
  EXPECT_FALSE(attach({}).ok());
  EXPECT_FALSE(attach({"a", "b"}).ok());
}

Result<CopyRequest> Copy(Words words) { return Parse(kCopy, ParseCopy, std::move(words)); }

TEST(CreateRequest, TakesEveryOption) {
  Result<CreateRequest> request = Create({"--name",
                                          "web",
                                          "-e",
                                          "A=1",
                                          "-w",
                                          "/srv",
                                          "-u",
                                          "nobody:nogroup",
                                          "--entrypoint",
                                          "/bin/sh",
                                          "--cpus",
                                          "4",
                                          "--memory",
                                          "1g",
                                          "--disk-size",
                                          "20",
                                          "--hostname",
                                          "host",
                                          "-l",
                                          "tier=front",
                                          "--label",
                                          "plain",
                                          "--accel",
                                          "tcg",
                                          "--stop-signal",
                                          "SIGUSR1",
                                          "--rm",
                                          "boxlite/base",
                                          "-c",
                                          "exit 3",
                                          "--rm"});
  ASSERT_TRUE(request.ok()) << request.error().message();
  const CreateOptions& options = request->options;
  EXPECT_EQ(options.image, "boxlite/base");
  EXPECT_THAT(options.command, ElementsAre("-c", "exit 3", "--rm"));
  EXPECT_EQ(options.name, "web");
  EXPECT_THAT(options.env, ElementsAre("A=1"));
  EXPECT_EQ(options.working_dir, "/srv");
  EXPECT_EQ(options.user, "nobody:nogroup");
  EXPECT_EQ(options.entrypoint, std::vector<std::string>{"/bin/sh"});
  EXPECT_EQ(options.cpus, 4U);
  EXPECT_EQ(options.memory_mib, 1024U);
  EXPECT_EQ(options.disk_bytes, 20 * kGib);
  EXPECT_EQ(options.hostname, "host");
  EXPECT_EQ(options.labels, (std::map<std::string, std::string>{{"plain", ""}, {"tier", "front"}}));
  EXPECT_EQ(options.accelerator, "tcg");
  EXPECT_EQ(options.stop_signal, SIGUSR1);
  EXPECT_TRUE(options.remove_on_exit);
}

TEST(CreateRequest, LeavesToTheImageWhatIsNotSaid) {
  Result<CreateRequest> request = Create({"image"});
  ASSERT_TRUE(request.ok());
  EXPECT_THAT(request->options.command, IsEmpty());
  EXPECT_FALSE(request->options.entrypoint.has_value());
  EXPECT_FALSE(request->options.cpus.has_value());
  EXPECT_FALSE(request->options.memory_mib.has_value());
  EXPECT_FALSE(request->options.disk_bytes.has_value());
  EXPECT_EQ(request->options.accelerator, "auto");
  EXPECT_FALSE(request->options.remove_on_exit);
}

TEST(CreateRequest, ReadsMemoryInMibAndRoundsUp) {
  EXPECT_EQ(Create({"--memory", "256", "image"})->options.memory_mib, 256U);
  EXPECT_EQ(Create({"-m", "256m", "image"})->options.memory_mib, 256U);
  EXPECT_EQ(Create({"-m300000k", "image"})->options.memory_mib, 293U);
}

TEST(CreateRequest, ClearsTheEntrypointWithAnEmptyOne) {
  EXPECT_EQ(Create({"--entrypoint", "", "image"})->options.entrypoint,
            std::vector<std::string>{""});
  EXPECT_EQ(Create({"--entrypoint=", "image"})->options.entrypoint, std::vector<std::string>{""});
}

TEST(CreateRequest, PutsVariablesOfFilesBeforeThoseOfTheLine) {
  char path[] = "/tmp/boxlite_cli_env_XXXXXX";
  const Fd file(::mkstemp(path));
  ASSERT_TRUE(file.valid());
  ASSERT_EQ(::write(file.get(), "A=file\nB=file\n", 14), 14);
  ::setenv("BOXLITE_TEST_SET", "here", 1);
  ::unsetenv("BOXLITE_TEST_UNSET");
  Result<CreateRequest> request = Create({"-e", "A=line", "--env-file", path, "-e",
                                          "BOXLITE_TEST_SET", "-e", "BOXLITE_TEST_UNSET", "image"});
  ::unlink(path);
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_THAT(request->options.env,
              ElementsAre("A=file", "B=file", "A=line", "BOXLITE_TEST_SET=here"));
  EXPECT_THAT(request->unknown_variables, ElementsAre("BOXLITE_TEST_UNSET"));
}

TEST(CreateRequest, RefusesBadValuesByTheOptionsName) {
  struct Case {
    Words words;
    const char* in_message;
  };
  for (const Case& each : std::vector<Case>{{{}, "an image is missing"},
                                            {{""}, "an image is missing"},
                                            {{"--cpus", "1.5", "i"}, "--cpus"},
                                            {{"--cpus", "65", "i"}, "--cpus"},
                                            {{"--memory", "lots", "i"}, "--memory"},
                                            {{"--disk-size", "-1", "i"}, "--disk-size"},
                                            {{"--label", "=x", "i"}, "--label"},
                                            {{"-l", "", "i"}, "--label"},
                                            {{"-e", "=x", "i"}, "--env"},
                                            {{"--accel", "hvf", "i"}, "--accel"},
                                            {{"--name", "", "i"}, "--name"},
                                            {{"--env-file", "/nowhere", "i"}, "/nowhere"}}) {
    Result<CreateRequest> request = Create(each.words);
    ASSERT_FALSE(request.ok()) << each.in_message;
    EXPECT_THAT(request.error().message(), testing::HasSubstr(each.in_message));
  }
}

TEST(RunRequest, IsCreatesAndDetach) {
  Result<RunRequest> request =
      Parse(kRun, ParseRun, {"-d", "--rm", "--name=web", "image", "sleep", "-d"});
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->detach);
  EXPECT_TRUE(request->box.options.remove_on_exit);
  EXPECT_EQ(request->box.options.name, "web");
  EXPECT_THAT(request->box.options.command, ElementsAre("sleep", "-d"));
  EXPECT_FALSE(Parse(kRun, ParseRun, {"image"})->detach);
}

TEST(RunRequest, SaysThatPortsVolumesAndNetworksAreNotThereYet) {
  for (const Words& words : std::vector<Words>{{"-p", "80:80", "x"},
                                               {"-v", "/a:/b", "x"},
                                               {"--network", "none", "x"},
                                               {"--network=none", "x"},
                                               {"--cap-add=ALL", "x"}}) {
    Result<RunRequest> request = Parse(kRun, ParseRun, words);
    ASSERT_FALSE(request.ok()) << words[0];
    EXPECT_EQ(request.error().code(), ErrorCode::kUnsupported) << words[0];
  }
}

TEST(BoxesRequest, TakesSeveralBoxesAndNotNone) {
  for (const Subcommand* subcommand : {&kStart, &kWait}) {
    EXPECT_THAT(Parse(*subcommand, ParseBoxes, {"a", "b"})->boxes, ElementsAre("a", "b"));
    EXPECT_FALSE(Parse(*subcommand, ParseBoxes, {}).ok());
    EXPECT_FALSE(Parse(*subcommand, ParseBoxes, {"a", ""}).ok());
  }
}

TEST(StopRequest, TakesSecondsWhereverTheyStand) {
  for (const Subcommand* subcommand : {&kStop, &kRestart}) {
    EXPECT_EQ(Parse(*subcommand, ParseStop, {"a"})->grace, seconds(10));
    EXPECT_EQ(Parse(*subcommand, ParseStop, {"-t", "0", "a"})->grace, seconds(0));
    Result<StopRequest> request = Parse(*subcommand, ParseStop, {"a", "--time=90", "b"});
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(request->grace, seconds(90));
    EXPECT_THAT(request->boxes, ElementsAre("a", "b"));
    EXPECT_FALSE(Parse(*subcommand, ParseStop, {"-t", "soon", "a"}).ok());
    EXPECT_FALSE(Parse(*subcommand, ParseStop, {"-t", "-1", "a"}).ok());
  }
}

TEST(KillRequest, SendsKillUnlessAnotherSignalIsNamed) {
  EXPECT_EQ(Parse(kKill, ParseKill, {"a"})->signal, SIGKILL);
  EXPECT_EQ(Parse(kKill, ParseKill, {"-s", "HUP", "a"})->signal, SIGHUP);
  EXPECT_EQ(Parse(kKill, ParseKill, {"--signal=10", "a"})->signal, 10);
  EXPECT_FALSE(Parse(kKill, ParseKill, {"-s", "NONE", "a"}).ok());
  EXPECT_FALSE(Parse(kKill, ParseKill, {"-s", "HUP"}).ok());
}

TEST(RemoveRequest, ForcesOnlyWhenTold) {
  EXPECT_EQ(Parse(kRemove, ParseRemove, {"a"})->force, Runtime::Force::kNo);
  EXPECT_EQ(Parse(kRemove, ParseRemove, {"a", "-f"})->force, Runtime::Force::kYes);
  EXPECT_FALSE(Parse(kRemove, ParseRemove, {"-f"}).ok());
}

TEST(ExecRequest, TakesTheCommandWithAndWithoutDashes) {
  for (const Words& words :
       std::vector<Words>{{"box", "sh", "-c", "x"}, {"box", "--", "sh", "-c", "x"}}) {
    Result<ExecRequest> request = Exec(words);
    ASSERT_TRUE(request.ok());
    EXPECT_EQ(request->box, "box");
    EXPECT_THAT(request->options.argv, ElementsAre("sh", "-c", "x"));
  }
  EXPECT_THAT(Exec({"box", "--", "--", "x"})->options.argv, ElementsAre("--", "x"));
  EXPECT_THAT(Exec({"box", "x", "--", "y"})->options.argv, ElementsAre("x", "--", "y"));
  EXPECT_THAT(Exec({"box", "--help"})->options.argv, ElementsAre("--help"));
}

TEST(ExecRequest, TakesEveryOption) {
  Result<ExecRequest> request =
      Exec({"-i", "-e", "A=1", "-w", "/srv", "-u", "1000", "box", "cat", "-e"});
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->interactive);
  EXPECT_THAT(request->options.env, ElementsAre("A=1"));
  EXPECT_EQ(request->options.working_dir, "/srv");
  EXPECT_EQ(request->options.user, "1000");
  EXPECT_THAT(request->options.argv, ElementsAre("cat", "-e"));
  EXPECT_FALSE(Exec({"box", "cat", "-i"})->interactive);
}

TEST(ExecRequest, MayWantATerminal) {
  Result<ExecRequest> request = Exec({"-it", "--detach-keys", "ctrl-x", "box", "sh", "-t"});
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_TRUE(request->interactive && request->terminal);
  EXPECT_EQ(request->client.detach_keys, "\x18");
  EXPECT_FALSE(Exec({"box", "sh", "-t"})->terminal);
}

TEST(ExecRequest, NeedsABoxAndACommand) {
  for (const Words& words :
       std::vector<Words>{{}, {"box"}, {"box", "--"}, {"", "x"}, {"box", ""}}) {
    EXPECT_FALSE(Exec(words).ok());
  }
}

TEST(ExecRequest, MayBeLeftToItselfAndEndAtATime) {
  Result<ExecRequest> request = Exec({"-d", "--timeout", "5m", "box", "make"});
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_TRUE(request->detach);
  EXPECT_EQ(request->options.timeout, std::chrono::minutes(5));
  EXPECT_EQ(Exec({"box", "make"})->options.timeout.count(), 0);
  EXPECT_FALSE(Exec({"box", "make", "-d"})->detach);
  EXPECT_FALSE(Exec({"--timeout", "soon", "box", "make"}).ok());
}

TEST(ExecRequest, IsAListWhenItMayBeOne) {
  Result<ExecRequest> request = Exec({"ls", "-q", "box"});
  ASSERT_TRUE(request.ok() && request->list.has_value());
  EXPECT_EQ(request->list->box, "box");
  EXPECT_TRUE(request->list->ids_only);
  EXPECT_EQ(Exec({"ls", "--format", "json", "box"})->list->format, Format::kJson);
  EXPECT_FALSE(Exec({"ls", "box", "-c", "x"})->list.has_value());
  EXPECT_FALSE(Exec({"-i", "ls", "box"})->list.has_value()) << "the command box in the box ls";
  EXPECT_FALSE(Exec({"box", "ls", "web"})->list.has_value());
}

TEST(AttachRequest, OfAnExecTakesOffsets) {
  const auto attach = [](Words words) { return Parse(kAttach, ParseAttach, std::move(words)); };
  Result<AttachRequest> request = attach({"--exec", "exec-3", "--stdout-from", "7", "web"});
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_EQ(request->exec, "exec-3");
  EXPECT_EQ(request->stdout_from, 7U);
  EXPECT_EQ(request->stderr_from, 0U);
  request = attach({"--exec", "exec-3", "--stdout-from", "7", "--stderr-from", "9", "web"});
  EXPECT_EQ(request->stdout_from, 7U);
  EXPECT_EQ(request->stderr_from, 9U);
  EXPECT_FALSE(attach({"--exec", "exec-3", "--stdout-from", "-1", "web"}).ok());
  EXPECT_FALSE(attach({"--stdout-from", "7", "web"}).ok()) << "main's output is in the log";
  EXPECT_FALSE(attach({"-i", "web"}).ok());
  EXPECT_FALSE(attach({"--exec", "", "web"}).ok());
}

TEST(ExecId, IsOfOneBox) {
  EXPECT_EQ(Parse(kWait, ParseWait, {"--exec", "exec-3", "a"})->exec, "exec-3");
  EXPECT_EQ(Parse(kKill, ParseKill, {"--exec", "exec-3", "a"})->exec, "exec-3");
  EXPECT_FALSE(Parse(kWait, ParseWait, {"--exec", "exec-3", "a", "b"}).ok());
  EXPECT_FALSE(Parse(kKill, ParseKill, {"--exec", "exec-3", "a", "b"}).ok());
}

TEST(LogsRequest, TakesTimesAndTimestamps) {
  Result<LogsRequest> request =
      Parse(kLogs, ParseLogs, {"-t", "--since", "10", "--until", "1970-01-01T00:00:20Z", "web"});
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_EQ(request->since_ns, 10'000'000'000);
  EXPECT_EQ(request->until_ns, 20'000'000'000);
  EXPECT_TRUE(request->timestamps);
  Result<LogsRequest> bad = Parse(kLogs, ParseLogs, {"--since", "soon", "web"});
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().message(), testing::HasSubstr("--since: 'soon' is not a time"));
}

TEST(LogsRequest, TakesOneBoxAndANumberOfLines) {
  EXPECT_FALSE(Parse(kLogs, ParseLogs, {"a"})->tail_lines.has_value());
  EXPECT_FALSE(Parse(kLogs, ParseLogs, {"a", "-n", "all"})->tail_lines.has_value());
  EXPECT_EQ(Parse(kLogs, ParseLogs, {"-n", "0", "a"})->tail_lines, 0U);
  Result<LogsRequest> request = Parse(kLogs, ParseLogs, {"-fn5", "a"});
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->follow);
  EXPECT_EQ(request->tail_lines, 5U);
  for (const Words& words : std::vector<Words>{{}, {"a", "b"}, {"-n", "few", "a"}, {"-n-1", "a"}}) {
    EXPECT_FALSE(Parse(kLogs, ParseLogs, words).ok());
  }
}

TEST(ListRequest, TakesAFormatOrQuietButNotBoth) {
  EXPECT_EQ(List({})->format, Format::kTable);
  EXPECT_EQ(List({"--format", "json"})->format, Format::kJson);
  EXPECT_EQ(List({"--format=yaml", "-a"})->format, Format::kYaml);
  Result<ListRequest> request = List({"-aq", "--no-trunc"});
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(request->all && request->ids_only && request->whole);
  EXPECT_FALSE(List({"-q", "--format", "json"}).ok());
  EXPECT_FALSE(List({"--format", "xml"}).ok());
  EXPECT_FALSE(List({"web"}).ok());
}

TEST(InspectRequest, TakesJsonYamlOrATemplate) {
  EXPECT_EQ(Inspect({"a"})->format, Format::kJson);
  EXPECT_EQ(Inspect({"-f", "yaml", "a"})->format, Format::kYaml);
  Result<InspectRequest> request = Inspect({"a", "--format", "{{.Id}}"});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->format, Format::kTemplate);
  EXPECT_EQ(request->template_text, "{{.Id}}");
  for (const Words& words :
       std::vector<Words>{{}, {"-f", "table", "a"}, {"-f", "{{", "a"}, {"-f", "{{end}}", "a"}}) {
    EXPECT_FALSE(Inspect(words).ok());
  }
}

TEST(ReportRequest, TakesAFormatAndNoArguments) {
  EXPECT_EQ(Parse(kInfo, ParseInfo, {})->format, Format::kYaml);
  EXPECT_EQ(Parse(kInfo, ParseInfo, {"--format", "json"})->format, Format::kJson);
  EXPECT_FALSE(Parse(kInfo, ParseInfo, {"--format", "text"}).ok());
  EXPECT_EQ(Parse(kDoctor, ParseDoctor, {})->format, Format::kTable);
  EXPECT_EQ(Parse(kVersion, ParseVersion, {"--format", "json"})->format, Format::kJson);
  EXPECT_FALSE(Parse(kDoctor, ParseDoctor, {"now"}).ok());
  EXPECT_FALSE(Parse(kVersion, ParseVersion, {"now"}).ok());
}

TEST(CopyRequest, TellsTheBoxFromTheHost) {
  using Direction = CopyOptions::Direction;
  Result<CopyRequest> into = Copy({"-aLq", "src", "web:/dst:with:colons"});
  ASSERT_TRUE(into.ok()) << into.error().message();
  EXPECT_EQ(into->box, "web");
  EXPECT_EQ(into->options.direction, Direction::kIntoBox);
  EXPECT_EQ(into->options.host_path, "src");
  EXPECT_EQ(into->options.box_path, "/dst:with:colons");
  EXPECT_TRUE(into->options.keep_owners && into->options.follow_link && into->quiet);
  EXPECT_EQ(into->options.stream_fd, -1);
  Result<CopyRequest> out = Copy({"web:", "./a:b"});
  ASSERT_TRUE(out.ok()) << out.error().message();
  EXPECT_EQ(out->options.direction, Direction::kOutOfBox);
  EXPECT_EQ(out->options.box_path, "/");
  EXPECT_EQ(out->options.host_path, "./a:b");
  EXPECT_EQ(Copy({"/a:b", "web:x"})->options.host_path, "/a:b");
}

TEST(CopyRequest, TakesAStreamInOnePlace) {
  EXPECT_EQ(Copy({"-", "web:/d"})->options.stream_fd, 0);
  EXPECT_EQ(Copy({"web:/d", "-"})->options.stream_fd, 1);
  EXPECT_EQ(Copy({"-", "-"}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(CopyRequest, NeedsExactlyOneBox) {
  EXPECT_EQ(Copy({"a:/x", "b:/y"}).error().code(), ErrorCode::kUnsupported);
  for (const Words& words : {Words{"x", "y"}, Words{"./a:b", "/c:d"}, Words{"x"}, Words{},
                             Words{"a:/x", "y", "z"}, Words{"", "a:/x"}, Words{":/x", "y"}}) {
    EXPECT_EQ(Copy(words).error().code(), ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace boxlite::cli
