// The whole line, without a runtime: help, usage errors and their codes, streams that fail.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "boxlite/cli/captured_console.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Answer {
  int code = 0;
  std::string out;
  std::string err;
};

Answer Say(const std::vector<std::string>& words) {
  CapturedConsole captured;
  const int code = RunProgramLine(captured.console(), words);
  return {code, captured.out(), captured.err()};
}

TEST(Program, ExplainsEveryCommandWithAnExampleThatItTakes) {
  for (const Subcommand* subcommand : AllSubcommands()) {
    const std::string name(subcommand->name);
    const Answer help = Say({name, "--help"});
    EXPECT_EQ(help.code, kExitOk) << name;
    EXPECT_THAT(help.out, StartsWith(std::string(subcommand->purpose)));
    EXPECT_THAT(help.out, HasSubstr("Usage: boxlite " + name));
    EXPECT_THAT(help.out, HasSubstr("Examples:\n  boxlite "));
    EXPECT_EQ(Say({"help", name}).out, help.out);
    EXPECT_THAT(Say({"--help"}).out, HasSubstr(std::string(subcommand->purpose)));
  }
}

TEST(Program, KnowsEveryCommandByItsAliases) {
  EXPECT_EQ(FindSubcommand("ps"), &kList);
  EXPECT_EQ(FindSubcommand("list"), &kList);
  EXPECT_EQ(FindSubcommand("remove"), &kRemove);
  EXPECT_EQ(FindSubcommand("l"), nullptr);
  EXPECT_EQ(FindSubcommand(""), nullptr);
}

TEST(Program, AnswersUsageErrorsWithTwoAndAHint) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"frob"},
                                             {"--frob"},
                                             {"run"},
                                             {"run", "--frob", "x"},
                                             {"run", "--detach-keys", "f13", "x"},
                                             {"stop"},
                                             {"exec", "b"},
                                             {"ls", "x"},
                                             {"push", "x"},
                                             {"--home"},
                                             {"help", "frob"},
                                             {""},
                                             {"kill", "-s", "FOO", "b"}}) {
    const Answer answer = Say(words);
    EXPECT_EQ(answer.code, kExitUsage) << words[0];
    EXPECT_EQ(answer.out, "") << words[0];
    EXPECT_THAT(answer.err, StartsWith("boxlite: error: ")) << words[0];
    EXPECT_THAT(answer.err, HasSubstr("--help' shows how it is used")) << words[0];
  }
}

TEST(Program, TellsCommandsThatAreNotThereYetFromUnknownOnes) {
  EXPECT_THAT(Say({"push", "x"}).err, HasSubstr("not available in this version (unsupported)"));
  EXPECT_THAT(Say({"frob", "x"}).err, HasSubstr("there is no command frob (invalid_argument)"));
}

TEST(Program, SaysWhatAMistypedCommandOrOptionMayHaveMeant) {
  EXPECT_THAT(Say({"inpsect", "x"}).err,
              HasSubstr("there is no command inpsect; did you mean inspect? (invalid_argument)"));
  EXPECT_THAT(Say({"help", "rnu"}).err, HasSubstr("did you mean run?"));
  EXPECT_THAT(Say({"run", "--detatch", "x"}).err,
              HasSubstr("unknown option --detatch; did you mean --detach?"));
  EXPECT_THAT(Say({"run", "-rm", "x"}).err,
              HasSubstr("unknown option -r in -rm; did you mean --rm?"));
  EXPECT_THAT(Say({"ls", "--hmoe=x"}).err, HasSubstr("did you mean --home?"));
}

TEST(Program, HidesTheCommandOfItsCompletionScripts) {
  EXPECT_EQ(Say({"--help"}).out.find("__complete"), std::string::npos);
  EXPECT_EQ(Say({"__complete", "bash", "--", "ren"}).out, "rename\n:none\n");
  EXPECT_EQ(Say({"__complete", "bash", "--", "--hel"}).out, "--help\n:none\n");
  EXPECT_EQ(Say({"__complete", "csh", "--", ""}).code, kExitUsage);
  EXPECT_EQ(Say({"completion", "csh"}).code, kExitUsage);
  EXPECT_THAT(Say({"completion", "fish"}).out, HasSubstr("complete -c boxlite"));
}

TEST(Program, ShowsTheHelpWhenThereIsNothingToDo) {
  const Answer answer = Say({});
  EXPECT_EQ(answer.code, kExitUsage);
  EXPECT_THAT(answer.out, HasSubstr("Common commands:"));
}

TEST(Program, ShowsItsVersion) {
  EXPECT_THAT(Say({"--version"}).out, StartsWith("boxlite version "));
  EXPECT_THAT(Say({"version"}).out, HasSubstr("shimProtocol: "));
  EXPECT_THAT(Say({"version", "--format", "json"}).out, HasSubstr("\"version\": "));
}

TEST(Program, TakesTheHomeBeforeAndBehindTheCommand) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"--home", "/nowhere/home", "info"}, {"info", "--home", "/nowhere/home"}}) {
    const Answer answer = Say(words);
    EXPECT_EQ(answer.code, kExitOk) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("homeDir: /nowhere/home\n"));
    EXPECT_THAT(answer.out, HasSubstr("homeExists: false\n"));
  }
}

TEST(Program, MakesControlCharactersOfTheUserHarmless) {
  EXPECT_THAT(Say({"\x1b[31mred"}).err, HasSubstr("there is no command ?[31mred"));
}

TEST(Program, EndsQuietlyWhenItsReaderHasLeft) {
  struct sigaction ignored = {};
  struct sigaction before = {};
  ignored.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGPIPE, &ignored, &before), 0);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ::close(ends[0]);
  const Fd errors(::memfd_create("err", MFD_CLOEXEC));
  Console console(ends[1], errors.get());
  const std::vector<std::string> words = {"--help"};
  EXPECT_EQ(RunProgramLine(console, words), kExitReaderLeft);
  ::close(ends[1]);
  ::sigaction(SIGPIPE, &before, nullptr);
  EXPECT_EQ(::lseek(errors.get(), 0, SEEK_END), 0);
}

TEST(Program, FailsWhenItsAnswerCannotBeWritten) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  const Fd errors(::memfd_create("err", MFD_CLOEXEC));
  Console console(full.get(), errors.get());
  const std::vector<std::string> words = {"version"};
  EXPECT_EQ(RunProgramLine(console, words), kExitFailure);
  char text[256] = {};
  ASSERT_GT(::pread(errors.get(), text, sizeof text - 1, 0), 0);
  EXPECT_THAT(text, HasSubstr("write the answer: "));
}

TEST(Program, OpensClosedStandardDescriptorsOnNothing) {
  const Fd kept(::fcntl(0, F_DUPFD_CLOEXEC, 10));
  ::close(0);
  EnsureStandardDescriptors();
  char byte = 0;
  EXPECT_EQ(::read(0, &byte, 1), 0);
  ASSERT_EQ(::dup2(kept.get(), 0), 0);
}

TEST(Doctor, LooksAtAHomeThatDoesNotExistAndMakesNothing) {
  char base[] = "/tmp/boxlite_cli_doctor_XXXXXX";
  ASSERT_NE(::mkdtemp(base), nullptr);
  const std::string home = std::string(base) + "/a/home";
  const Answer answer = Say({"doctor", "--home", home, "--format", "json"});
  EXPECT_THAT(answer.out, HasSubstr("\"check\": \"locks\",\n    \"health\": \"ok\""));
  EXPECT_THAT(answer.out, HasSubstr("it would be made below " + std::string(base)));
  EXPECT_EQ(answer.err, "");
  // rmdir takes empty directories only: nothing was left in it.
  EXPECT_EQ(::rmdir(base), 0);
}

TEST(Doctor, FailsForAHomeThatCannotBeOne) {
  const Answer answer = Say({"doctor", "--home", "/dev/null/home", "--format", "yaml"});
  EXPECT_EQ(answer.code, kExitFailure);
  EXPECT_THAT(answer.out, HasSubstr("check: home\n  health: fail\n"));
}

}  // namespace
}  // namespace boxlite::cli
