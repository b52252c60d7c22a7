#include "boxlite/runtime/box_spec.h"

#include <functional>
#include <set>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using testing::HasSubstr;

BoxSpec ValidSpec() {
  BoxSpec spec;
  spec.id = "abcdefghij01";
  spec.argv = {"/bin/sh"};
  spec.hostname = "host";
  return spec;
}

// What ValidateSpec says after one change of a valid spec.
Status After(const std::function<void(BoxSpec&)>& change) {
  BoxSpec spec = ValidSpec();
  change(spec);
  return ValidateSpec(spec);
}

TEST(BoxId, IsTwelveCharactersOfLowerCaseAndDigits) {
  EXPECT_TRUE(BoxId::Parse("0123456789az"));
  for (const char* text : {"", "0123456789a", "0123456789abc", "0123456789aZ", "0123456789a.",
                           "../../../etc", ".new-abcdefg"}) {
    EXPECT_FALSE(BoxId::Parse(text)) << text;
  }
  EXPECT_FALSE(BoxId::Parse(std::string_view("0123456789a\0", 12)));
}

TEST(BoxId, IsRandomAndParsesBack) {
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const BoxId id = BoxId::Random();
    EXPECT_TRUE(seen.insert(id.str()).second);
    ASSERT_TRUE(BoxId::Parse(id.str()));
    EXPECT_EQ(*BoxId::Parse(id.str()), id);
  }
}

TEST(ValidateName, TakesWhatDockerTakesAndNothingThatIsAPath) {
  for (const char* good : {"a", "web_1.0-rc", "0", "A.B"}) EXPECT_THAT(ValidateName(good), IsOk());
  EXPECT_THAT(ValidateName(std::string(128, 'n')), IsOk());
  EXPECT_THAT(ValidateName(std::string(129, 'n')), HasCode(ErrorCode::kInvalidArgument));
  for (const char* bad : {"", ".", "..", ".new-x", "-x", "_x", "a/b", "a b", "a\n", "\xc3\xa4"}) {
    EXPECT_THAT(ValidateName(bad), HasCode(ErrorCode::kInvalidArgument)) << bad;
  }
  EXPECT_FALSE(ValidateName(std::string_view("a\0b", 3)).ok());
}

TEST(ValidateSpec, AcceptsASpecOfDefaults) { EXPECT_THAT(ValidateSpec(ValidSpec()), IsOk()); }

TEST(ValidateSpec, MemoryCpusAndDiskHaveBothBounds) {
  EXPECT_THAT(After([](BoxSpec& s) { s.memory_mib = kMinMemoryMib; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.memory_mib = kMinMemoryMib - 1; }).ok());
  EXPECT_THAT(After([](BoxSpec& s) { s.memory_mib = kMaxMemoryMib; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.memory_mib = kMaxMemoryMib + 1; }).ok());
  EXPECT_THAT(After([](BoxSpec& s) { s.cpus = 1; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.cpus = 0; }).ok());
  EXPECT_THAT(After([](BoxSpec& s) { s.cpus = kMaxCpus; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.cpus = kMaxCpus + 1; }).ok());
  EXPECT_THAT(After([](BoxSpec& s) { s.disk_bytes = kMinDiskBytes; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.disk_bytes = kMinDiskBytes - 1; }).ok());
  EXPECT_THAT(After([](BoxSpec& s) { s.disk_bytes = kMaxDiskBytes; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.disk_bytes = kMaxDiskBytes + 1; }).ok());
}

TEST(ValidateSpec, ARefusalNamesFieldValueAndRange) {
  Status refused = After([](BoxSpec& s) { s.memory_mib = 5; });
  ASSERT_THAT(refused, HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(refused.error().message(), HasSubstr("--memory is 5 MiB"));
  EXPECT_THAT(refused.error().message(), HasSubstr("128 MiB to 1048576 MiB"));
}

TEST(ValidateSpec, TheStopSignalIsOne) {
  for (int good : {1, 15, 64}) {
    EXPECT_THAT(After([good](BoxSpec& s) { s.stop_signal = good; }), IsOk()) << good;
  }
  for (int bad : {0, -1, 65}) {
    EXPECT_FALSE(After([bad](BoxSpec& s) { s.stop_signal = bad; }).ok()) << bad;
  }
}

TEST(ValidateSpec, ThereMustBeACommand) {
  EXPECT_FALSE(After([](BoxSpec& s) { s.argv.clear(); }).ok());
  EXPECT_FALSE(After([](BoxSpec& s) { s.argv = {""}; }).ok());
  EXPECT_THAT(After([](BoxSpec& s) { s.argv = {"x", ""}; }), IsOk());
}

TEST(ValidateSpec, NoStringHasANulByteOrIsLongerThanAProgramCanBeGiven) {
  const std::string nul("a\0b", 3);
  EXPECT_FALSE(After([&](BoxSpec& s) { s.argv.push_back(nul); }).ok());
  EXPECT_FALSE(After([&](BoxSpec& s) { s.env.push_back("A=" + nul); }).ok());
  EXPECT_FALSE(After([&](BoxSpec& s) { s.working_dir = "/" + nul; }).ok());
  EXPECT_FALSE(After([&](BoxSpec& s) { s.user = nul; }).ok());
  EXPECT_FALSE(After([&](BoxSpec& s) { s.hostname = nul; }).ok());
  constexpr std::size_t kLimit = 128 * 1024;  // MAX_ARG_STRLEN, its NUL included
  EXPECT_THAT(After([](BoxSpec& s) { s.argv.push_back(std::string(kLimit - 1, 'x')); }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.argv.push_back(std::string(kLimit, 'x')); }).ok());
}

TEST(ValidateSpec, AVariableIsNameEqualsValue) {
  EXPECT_THAT(After([](BoxSpec& s) { s.env = {"A=", "B=c=d", "odd name=x"}; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.env = {"A"}; }).ok());
  EXPECT_FALSE(After([](BoxSpec& s) { s.env = {"=x"}; }).ok());
  EXPECT_FALSE(After([](BoxSpec& s) { s.env = {""}; }).ok());
}

TEST(ValidateSpec, TheWorkingDirectoryIsAbsoluteOrNone) {
  EXPECT_THAT(After([](BoxSpec& s) { s.working_dir = ""; }), IsOk());
  EXPECT_THAT(After([](BoxSpec& s) { s.working_dir = "/x"; }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.working_dir = "x"; }).ok());
}

TEST(ValidateSpec, TheHostnameHas1To64HarmlessCharacters) {
  EXPECT_THAT(After([](BoxSpec& s) { s.hostname = std::string(64, 'h'); }), IsOk());
  EXPECT_FALSE(After([](BoxSpec& s) { s.hostname = std::string(65, 'h'); }).ok());
  EXPECT_FALSE(After([](BoxSpec& s) { s.hostname = ""; }).ok());
  EXPECT_FALSE(After([](BoxSpec& s) { s.hostname = "a b"; }).ok());
}

TEST(ValidateSpec, TheAcceleratorIsAKnownWord) {
  for (const char* good : {"auto", "kvm", "tcg"}) {
    EXPECT_THAT(After([good](BoxSpec& s) { s.accelerator = good; }), IsOk());
  }
  EXPECT_FALSE(After([](BoxSpec& s) { s.accelerator = "hvf"; }).ok());
}

TEST(ValidateSpec, AnIdOrNameThatIsAPathIsRefused) {
  EXPECT_FALSE(After([](BoxSpec& s) { s.id = "../../x"; }).ok());
  EXPECT_FALSE(After([](BoxSpec& s) { s.name = "../x"; }).ok());
}

}  // namespace
}  // namespace boxlite
