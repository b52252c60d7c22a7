#include "boxlite/vmm/accelerator.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "boxlite/base/process_identity.h"
#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using Json = nlohmann::json;
using testing::HasSubstr;

// A directory with a program that answers --version like a QEMU, and counts how often it was asked.
class FakeQemu {
 public:
  explicit FakeQemu(const std::string& version = "QEMU emulator version 7.2.22 (Debian 1:7.2)") {
    Write("#!/bin/sh\necho asked >> " + dir_.Path("asked") + "\necho '" + version + "'\n");
  }
  void Write(const std::string& script) {
    const std::string path = Path();
    ::unlink(path.c_str());
    Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
    BOXLITE_CHECK(WriteAll(fd.get(), script).ok());
  }
  std::string Path() const { return dir_.Path("qemu-system-x86_64"); }
  const std::string& directory() const { return dir_.path(); }
  int TimesAsked() const {
    Result<std::optional<std::string>> asked = ReadFileIfExists(dir_.fd(), "asked", 4096);
    BOXLITE_CHECK(asked.ok());
    return asked->has_value() ? static_cast<int>((*asked)->size() / 6) : 0;
  }

 private:
  TestDirectory dir_;
};

bool KvmIsThere() { return ::access("/dev/kvm", R_OK | W_OK) == 0; }

// What an earlier trial on this very host would have left.
void WriteVerdict(int dir_fd, const std::string& boot_id, const std::string& build, bool kvm,
                  bool kvm_opened) {
  const Json json = {{"boot_id", boot_id},       {"build", build},          {"kvm", kvm},
                     {"kvm_opened", kvm_opened}, {"reason", "from a file"}, {"tsc_khz", 1234567}};
  ASSERT_THAT(WriteFileAtomically(dir_fd, "accelerator.json", json.dump(), Durability::kVolatile),
              IsOk());
}

std::string BootId() { return CurrentHostIdentity()->boot_id; }

TEST(AcceleratorRequest, IsAutoKvmOrTcgAndNothingElse) {
  EXPECT_EQ(*ParseAcceleratorRequest("auto"), AcceleratorRequest::kAuto);
  EXPECT_EQ(*ParseAcceleratorRequest("kvm"), AcceleratorRequest::kKvm);
  EXPECT_EQ(*ParseAcceleratorRequest("tcg"), AcceleratorRequest::kTcg);
  for (const char* text : {"", "KVM", "hvf", "kvm "}) {
    EXPECT_THAT(ParseAcceleratorRequest(text), HasCode(ErrorCode::kInvalidArgument)) << text;
  }
}

TEST(QemuVersion, IsReadFromWhatDistributionsPrint) {
  EXPECT_EQ(*ParseQemuVersion("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\n"
                              "Copyright (c) 2003-2022"),
            "7.2.22");
  EXPECT_EQ(*ParseQemuVersion("QEMU emulator version 9.1.0\n"), "9.1.0");
  EXPECT_EQ(*ParseQemuVersion("QEMU emulator version 8.2 (x)"), "8.2.0");
}

TEST(QemuVersion, Before7Dot2IsTooOldAndTheMessageNamesIt) {
  EXPECT_THAT(ParseQemuVersion("QEMU emulator version 7.2.0"), IsOk());
  for (const char* old : {"7.1.99", "6.2.0", "2.11.1", "0.9.0"}) {
    Result<std::string> version = ParseQemuVersion(std::string("QEMU emulator version ") + old);
    ASSERT_THAT(version, HasCode(ErrorCode::kUnsupported)) << old;
    EXPECT_THAT(version.error().message(), HasSubstr(old));
  }
}

TEST(QemuVersion, WhatIsNoQemuIsCorrupt) {
  for (const char* text : {"", "GNU bash, version 5.2.15", "QEMU emulator version seven",
                           "QEMU emulator version 7", "QEMU emulator version -7.-2.0"}) {
    EXPECT_THAT(ParseQemuVersion(text), HasCode(ErrorCode::kCorrupt)) << text;
  }
  EXPECT_THAT(QemuVersion("/bin/echo"), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(QemuVersion("/no/such/qemu"), HasCode(ErrorCode::kNotFound));
}

TEST(FindQemu, TakesTheFirstOfTheSearchPath) {
  FakeQemu first;
  FakeQemu second;
  Result<QemuBinary> found =
      FindQemu("/no/such/place:" + second.directory() + ":" + first.directory());
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->path, second.Path());
  EXPECT_EQ(second.TimesAsked(), 0) << "nothing is started to find it";
}

TEST(FindQemu, SkipsWhatCannotBeRunAndPlacesThatDependOnTheCaller) {
  FakeQemu qemu;
  ASSERT_EQ(::chmod(qemu.Path().c_str(), 0600), 0);
  EXPECT_THAT(FindQemu(qemu.directory()), HasCode(ErrorCode::kNotFound));
  TestDirectory odd;
  ASSERT_EQ(::mkdirat(odd.fd(), "qemu-system-x86_64", 0700), 0);
  EXPECT_THAT(FindQemu(odd.path()), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(FindQemu("relative:.::"), HasCode(ErrorCode::kNotFound));
}

TEST(FindQemu, SaysWhatToInstallWhereThereIsNone) {
  Result<QemuBinary> found = FindQemu("");
  ASSERT_THAT(found, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(found.error().message(), HasSubstr("qemu-system-x86"));
}

TEST(FindQemu, AReplacedBinaryIsAnotherBuild) {
  FakeQemu qemu;
  const std::string before = FindQemu(qemu.directory())->build;
  EXPECT_EQ(FindQemu(qemu.directory())->build, before);
  qemu.Write("#!/bin/sh\necho another one, of another size\n");
  EXPECT_NE(FindQemu(qemu.directory())->build, before);
}

TEST(ChooseAccelerator, TriesOnceForEachHostBootAndBuild) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  Result<AcceleratorVerdict> first =
      ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadWrite);
  ASSERT_THAT(first, IsOk());
  EXPECT_FALSE(first->from_cache);
  EXPECT_EQ(qemu.TimesAsked(), 1);
  Result<AcceleratorVerdict> second =
      ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadWrite);
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second->from_cache);
  EXPECT_EQ(second->tsc_khz, first->tsc_khz);
  EXPECT_EQ(second->accelerator, first->accelerator);
  EXPECT_EQ(qemu.TimesAsked(), 1);

  QemuBinary upgraded = binary;
  upgraded.build += "x";
  EXPECT_FALSE(
      ChooseAccelerator(AcceleratorRequest::kAuto, upgraded, cache.fd(), CacheUse::kReadWrite)
          ->from_cache);
  EXPECT_EQ(qemu.TimesAsked(), 2);
}

TEST(ChooseAccelerator, AVerdictOfAnotherBootIsNone) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  WriteVerdict(cache.fd(), "another-boot", binary.build, false, KvmIsThere());
  EXPECT_FALSE(ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly)
                   ->from_cache);
  WriteVerdict(cache.fd(), BootId(), binary.build, false, KvmIsThere());
  Result<AcceleratorVerdict> hit =
      ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly);
  ASSERT_THAT(hit, IsOk());
  EXPECT_TRUE(hit->from_cache);
  EXPECT_EQ(hit->tsc_khz, 1234567u);
}

TEST(ChooseAccelerator, AVerdictIsVoidWhenTheDeviceCameOrWent) {
  // "No /dev/kvm" and "permission denied" are cured by modprobe or a group, without a new boot.
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  WriteVerdict(cache.fd(), BootId(), binary.build, false, !KvmIsThere());
  EXPECT_FALSE(ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly)
                   ->from_cache);
}

TEST(ChooseAccelerator, AReaderWritesNothing) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  EXPECT_THAT(ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly),
              IsOk());
  EXPECT_TRUE(ListDirectory(cache.fd())->empty());
  EXPECT_THAT(ChooseAccelerator(AcceleratorRequest::kAuto, binary, -1, CacheUse::kReadWrite),
              IsOk());
}

TEST(ChooseAccelerator, ADamagedCacheIsNoCache) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  for (const char* text : {"", "{", "[]", "null", "{\"boot_id\":1}", "\xff\xfe"}) {
    ASSERT_THAT(WriteFileAtomically(cache.fd(), "accelerator.json", text, Durability::kVolatile),
                IsOk());
    EXPECT_THAT(
        ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly),
        IsOk())
        << text;
  }
}

TEST(ChooseAccelerator, AnUnsupportedQemuIsRefusedAndNotRemembered) {
  FakeQemu qemu("QEMU emulator version 6.0.0");
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  EXPECT_THAT(
      ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadWrite),
      HasCode(ErrorCode::kUnsupported));
  EXPECT_TRUE(ListDirectory(cache.fd())->empty());
}

TEST(ChooseAccelerator, ADemandedKvmThatDoesNotWorkIsAnErrorThatSaysWhy) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  WriteVerdict(cache.fd(), BootId(), binary.build, false, KvmIsThere());
  Result<AcceleratorVerdict> refused =
      ChooseAccelerator(AcceleratorRequest::kKvm, binary, cache.fd(), CacheUse::kReadOnly);
  ASSERT_THAT(refused, HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(refused.error().message(), HasSubstr("from a file"));
  EXPECT_EQ(ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly)
                ->accelerator,
            Accelerator::kTcg);
}

TEST(ChooseAccelerator, TcgCanBeAskedForWhereKvmWorksAndBringsItsTscAlong) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  WriteVerdict(cache.fd(), BootId(), binary.build, true, KvmIsThere());
  Result<AcceleratorVerdict> tcg =
      ChooseAccelerator(AcceleratorRequest::kTcg, binary, cache.fd(), CacheUse::kReadOnly);
  ASSERT_THAT(tcg, IsOk());
  EXPECT_EQ(tcg->accelerator, Accelerator::kTcg);
  EXPECT_EQ(tcg->tsc_khz, 1234567u);
  EXPECT_EQ(tcg->reason, "asked for");
  Result<AcceleratorVerdict> kvm =
      ChooseAccelerator(AcceleratorRequest::kKvm, binary, cache.fd(), CacheUse::kReadOnly);
  ASSERT_THAT(kvm, IsOk());
  EXPECT_EQ(kvm->accelerator, Accelerator::kKvm);
  EXPECT_EQ(kvm->tsc_khz, 0u) << "a wrong word to the guest's kernel would do harm under KVM";
}

TEST(ChooseAccelerator, ABootThatFailedUnderKvmIsRememberedForThisHostBoot) {
  FakeQemu qemu;
  TestDirectory cache;
  const QemuBinary binary = *FindQemu(qemu.directory());
  WriteVerdict(cache.fd(), BootId(), binary.build, true, KvmIsThere());
  ASSERT_THAT(RememberKvmFailure(binary.build, cache.fd(), "it hung"), IsOk());
  Result<AcceleratorVerdict> verdict =
      ChooseAccelerator(AcceleratorRequest::kAuto, binary, cache.fd(), CacheUse::kReadOnly);
  ASSERT_THAT(verdict, IsOk());
  EXPECT_TRUE(verdict->from_cache);
  EXPECT_EQ(verdict->accelerator, Accelerator::kTcg);
  EXPECT_THAT(verdict->reason, HasSubstr("it hung"));
}

TEST(TryKvm, SaysInWordsWhatIsMissing) {
  if (::access("/dev/kvm", F_OK) == 0) GTEST_SKIP() << "this host has /dev/kvm";
  Status tried = TryKvm();
  ASSERT_THAT(tried, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(tried.error().message(), HasSubstr("/dev/kvm"));
}

TEST(MeasureTscKhz, IsPlausibleAndRepeatable) {
  Result<std::uint64_t> first = MeasureTscKhz();
  if (!first.ok()) GTEST_SKIP() << first.error().message();
  Result<std::uint64_t> second = MeasureTscKhz();
  ASSERT_THAT(second, IsOk());
  const double ratio = static_cast<double>(*first) / static_cast<double>(*second);
  EXPECT_GT(ratio, 0.98);
  EXPECT_LT(ratio, 1.02);
}

}  // namespace
}  // namespace boxlite
