#include "boxlite/runtime/documents.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace boxlite {
namespace {

BoxSpec SampleSpec() {
  BoxSpec spec;
  spec.id = "abcdefghij01";
  spec.name = "db";
  spec.created_ns = 1'700'000'000'000'000'000;
  spec.image = "boxlite/base";
  spec.image_digest = "sha256:" + std::string(64, 'a');
  spec.argv = {"/bin/sh", "-c", std::string("echo \xff\xfe \n \"x\"")};
  spec.command = Command::kUsers;
  spec.env = {"A=1", std::string("BYTES=\x80\x01"), "EMPTY="};
  spec.working_dir = "/tmp";
  spec.user = "1000:1000";
  spec.hostname = "host-1";
  spec.labels = {{"k", "v"}, {std::string("\xc3"), "half a character"}};
  spec.remove_on_exit = true;
  spec.terminal = true;
  spec.interactive = true;
  return spec;
}

TEST(Spec, SurvivesItsJsonByteForByte) {
  const BoxSpec spec = SampleSpec();
  Result<BoxSpec> read = DecodeSpec(EncodeSpec(spec));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(*read, spec);
}

TEST(Spec, OfABoxFromBeforeTerminalsHasNone) {
  std::string text = EncodeSpec(SampleSpec());
  for (const char* line : {" \"terminal\": true,\n", " \"interactive\": true,\n"}) {
    const std::size_t begin = text.find(line);
    ASSERT_NE(begin, std::string::npos) << text;
    text.erase(begin, std::string(line).size());
  }
  Result<BoxSpec> read = DecodeSpec(text);
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_FALSE(read->terminal);
  EXPECT_FALSE(read->interactive);
}

TEST(MainInput, FollowsWhatTheBoxIsAndWhoStartsIt) {
  BoxSpec plain;
  BoxSpec interactive;
  interactive.interactive = true;
  BoxSpec terminal;
  terminal.terminal = true;
  BoxSpec both = interactive;
  both.terminal = true;
  using enum StartedBy;
  using enum MainInput;
  EXPECT_EQ(MainInputFor(plain, kAttachedClient), kEndsAtOnce) << "run IMAGE cat returns";
  EXPECT_EQ(MainInputFor(plain, kFollowingClient), kEndsWithClient);
  EXPECT_EQ(MainInputFor(plain, kNobody), kEndsWithClient) << "a detached shell lives";
  EXPECT_EQ(MainInputFor(interactive, kAttachedClient), kEndsWithClient) << "echo x | run -i";
  EXPECT_EQ(MainInputFor(interactive, kFollowingClient), kEndsWithClient);
  EXPECT_EQ(MainInputFor(interactive, kNobody), kStaysOpen) << "run -di";
  for (const StartedBy starter : {kAttachedClient, kFollowingClient, kNobody}) {
    EXPECT_EQ(MainInputFor(terminal, starter), kStaysOpen);
    EXPECT_EQ(MainInputFor(both, starter), kStaysOpen);
  }
}

TEST(Spec, ANewerFormatIsRefusedWithWords) {
  BoxSpec spec = SampleSpec();
  spec.format = kSpecFormat + 1;
  Result<BoxSpec> read = DecodeSpec(EncodeSpec(spec));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(read.error().message().find("newer boxlite"), std::string::npos);
}

TEST(Spec, DamageIsCorruptAndNeverThrows) {
  const std::string whole = EncodeSpec(SampleSpec());
  for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
    Result<BoxSpec> read = DecodeSpec(whole.substr(0, length));
    ASSERT_FALSE(read.ok()) << length;
    EXPECT_EQ(read.error().code(), ErrorCode::kCorrupt);
  }
  for (const char* text :
       {"", "[]", "null", "{}", "{\"format\":-1}", "{\"format\":1e99}", "\xff"}) {
    EXPECT_FALSE(DecodeSpec(text).ok()) << text;
  }
}

TEST(Record, SurvivesItsJson) {
  LifeRecord record;
  record.life_id = "0123";
  record.number = 3;
  record.phase = Phase::kMainStarted;
  record.shim = {4711, 123456789};
  record.vm = ProcessIdentity{4712, 123456790};
  record.host = {"boot", 4026531836, 4026531834};
  record.protocol_version = 1;
  Result<LifeRecord> read = DecodeRecord(EncodeRecord(record));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->phase, Phase::kMainStarted);
  EXPECT_EQ(read->shim, record.shim);
  EXPECT_EQ(read->vm, record.vm);
  EXPECT_EQ(read->host, record.host);
}

TEST(Record, NumbersThatAreNoPidsAreCorrupt) {
  LifeRecord record;
  record.shim = {4711, 1};
  const std::string text = EncodeRecord(record);
  for (const char* pid : {"99999999999", "4711.5", "\"4711\"", "null", "[]"}) {
    std::string changed = text;
    changed.replace(changed.find("4711"), 4, pid);
    EXPECT_FALSE(DecodeRecord(changed).ok()) << pid;
  }
}

TEST(Exit, ASignalAndACodeAreToldApart) {
  MainExit main_exit;
  main_exit.life_id = "x";
  main_exit.exit.signal = 9;
  Result<MainExit> read = DecodeMainExit(EncodeMainExit(main_exit));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->exit.ShellCode(), 137);
  main_exit.exit = {};
  main_exit.exit.code = 9;
  EXPECT_EQ(DecodeMainExit(EncodeMainExit(main_exit))->exit.ShellCode(), 9);
}

TEST(Outcome, AFailuresStageReasonAndCodeSurvive) {
  LifeOutcome outcome;
  outcome.life_id = "x";
  outcome.kind = OutcomeKind::kFailed;
  outcome.stage = "guest";
  outcome.reason = "bytes \xff of a console";
  outcome.code = ErrorCode::kTimeout;
  Result<LifeOutcome> read = DecodeOutcome(EncodeOutcome(outcome));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->reason, outcome.reason);
  EXPECT_EQ(read->code, ErrorCode::kTimeout);
}

TEST(Birth, AnEarlyEndIsToldFromAWholeMessage) {
  const std::string framed = FrameBirth("body");
  int ends[2];
  for (std::size_t length = 0; length <= framed.size(); ++length) {
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(::write(ends[1], framed.data(), length), static_cast<ssize_t>(length));
    ::close(ends[1]);
    Result<std::string> body = ReadFramedBirth(ends[0]);
    ::close(ends[0]);
    EXPECT_EQ(body.ok(), length == framed.size()) << length;
    if (body.ok()) {
      EXPECT_EQ(*body, "body");
    }
  }
}

TEST(Birth, AFlippedBitIsNoticed) {
  std::string framed = FrameBirth("body");
  framed.back() ^= 1;
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(::write(ends[1], framed.data(), framed.size()), static_cast<ssize_t>(framed.size()));
  ::close(ends[1]);
  EXPECT_FALSE(ReadFramedBirth(ends[0]).ok());
  ::close(ends[0]);
}

TEST(Birth, TheSpecTravelsWhole) {
  ShimBirth birth;
  birth.spec = SampleSpec();
  birth.life_id = "life";
  birth.engine_program = "/usr/bin/x";
  birth.tsc_khz = 2'596'100;
  Result<ShimBirth> read = DecodeBirth(EncodeBirth(birth));
  ASSERT_TRUE(read.ok()) << read.error().message();
  EXPECT_EQ(read->spec, birth.spec);
  EXPECT_EQ(read->tsc_khz, birth.tsc_khz);
}

}  // namespace
}  // namespace boxlite
