// Homes, names, arguments and disks as they come: each a clear answer, nothing half made, no crash.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "testing/test_home.h"

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

// A small filesystem of the test's own, in place of its home's directory. Needs root.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const char* options) : path_(path) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, options) == 0;
    EXPECT_TRUE(mounted_) << "mounting a tmpfs needs root";
  }
  ~SmallDisk() {
    if (mounted_) {
      EXPECT_EQ(::umount2(path_.c_str(), 0), 0) << "something still uses it";
    }
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  bool MakeReadOnly() const {
    return ::mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  }
  void Fill() const {
    const Fd file(::open((path_ + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (::write(file.get(), block.data(), block.size()) > 0) {
    }
  }
  void Drain() const { fs::remove(path_ + "/filler"); }

 private:
  std::string path_;
  bool mounted_ = false;
};

void ExpectWholeLife(TestHome& home) {
  const std::string id = home.Start({"echo", "out", ";", "say-term"}, {{"name", "db"}});
  EXPECT_EQ(home.State(id), "running");
  EXPECT_EQ(home.Run({"exec", "db", "echo", "hi"}).output, "hi\n");
  const Answer stop = home.Run({"stop", "db", "5000"});
  ASSERT_TRUE(IsOk(stop));
  EXPECT_FALSE(stop.json["forced"].get<bool>()) << stop.text();
  EXPECT_EQ(home.Logs(id), "out\ncaught the stop signal\n");
  EXPECT_TRUE(IsOk(home.Run({"rm", "db"})));
}

TEST(BadHome, OfThreeHundredBytesWithSpacesAndANewlineWorks) {
  TestHome home("a home with spaces\nand a line's end/" + std::string(150, 'x') + "/" +
                std::string(130, 'y'));
  ASSERT_GT(home.path().size(), 300u);
  ExpectWholeLife(home);
}

TEST(BadHome, OfBytesThatAreNoTextWorks) {
  TestHome home("\xff\xfe\x01 \xc3(");
  ExpectWholeLife(home);
}

TEST(BadHome, BehindASymlinkWorks) {
  TestHome home;
  fs::create_directory(home.root() + "/real");
  fs::create_symlink(home.root() + "/real", home.path());
  ExpectWholeLife(home);
}

TEST(BadHome, ThatIsAFileIsAnError) {
  TestHome home;
  WriteWhole(home.path(), "not a directory");
  EXPECT_FALSE(home.Run({"ls"}).ok);
  EXPECT_FALSE(home.Run({"create", "{}"}).ok);
  EXPECT_EQ(ReadWhole(home.path()), "not a directory");
}

TEST(BadHome, ThatDoesNotExistIsEmptyAndIsNotMadeByLooking) {
  TestHome home;
  const Answer list = home.Run({"ls"});
  ASSERT_TRUE(IsOk(list));
  EXPECT_EQ(list.json["boxes"], Json::array());
  EXPECT_TRUE(HasCode(home.Run({"inspect", "db"}), "not_found"));
  EXPECT_TRUE(HasCode(home.Run({"start", "db"}), "not_found"));
  EXPECT_FALSE(fs::exists(home.path()));
}

TEST(BadHome, ThatIsReadOnlyCanBeLookedAtAndRefusesTheRestInWords) {
  TestHome home;
  const SmallDisk disk(home.path(), "size=4m");
  const std::string id = home.Start({"echo", "out", ";", "sleep-forever"});
  ASSERT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  ASSERT_EQ(DescribeLeftovers(home.path(), 5000), "");
  ASSERT_TRUE(disk.MakeReadOnly());
  EXPECT_EQ(home.State(id), "stopped");
  EXPECT_TRUE(IsOk(home.Run({"inspect", id})));
  EXPECT_EQ(home.Logs(id), "out\n");
  EXPECT_EQ(home.Run({"wait", id}).shell(), 128 + SIGTERM);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"create", "{}"}, {"start", id}, {"rm", id}, {"rmf", id}}) {
    const Answer answer = home.Run(words);
    EXPECT_FALSE(answer.ok) << words[0];
    EXPECT_NE(answer.message.find("Read-only"), std::string::npos) << answer.message;
  }
  EXPECT_EQ(home.State(id), "stopped");
}

TEST(BadHome, OnAFullDiskMakesNothingHalfAndCanStillStop) {
  TestHome home;
  const SmallDisk disk(home.path(), "size=1m");
  const std::string id = home.Start();
  disk.Fill();
  const Answer created = home.Run({"create", R"({"name":"db"})"});
  EXPECT_TRUE(HasCode(created, "resource_exhausted"));
  EXPECT_EQ(home.Run({"ls"}).json["boxes"].size(), 1u);
  EXPECT_EQ(home.Run({"exec", id, "echo", "hi"}).output, "hi\n");
  const Answer stop = home.Run({"stop", id, "5000"});
  EXPECT_TRUE(IsOk(stop));
  EXPECT_EQ(FindLockedFiles(home.path()), std::vector<std::string>());
  EXPECT_EQ(home.State(id), "stopped") << "a clean stop looks like a crash: " << home.Look(id);
  EXPECT_FALSE(home.Run({"start", id}).ok);
  disk.Drain();
  EXPECT_TRUE(IsOk(home.Run({"start", id})));
  disk.Fill();
  EXPECT_TRUE(IsOk(home.Run({"rmf", id})));
  EXPECT_EQ(home.State(id), "absent");
  disk.Drain();
  EXPECT_TRUE(IsOk(home.Run({"create", R"({"name":"db"})"})));
  EXPECT_EQ(DescribeLeftovers(home.path(), 5000), "");
}

TEST(BadName, IsRefusedAtCreateAndNotFoundElsewhere) {
  TestHome home;
  home.Create();
  for (const std::string& name :
       {std::string("../x"), std::string("a/b"), std::string(".hidden"), std::string("-dash"),
        std::string("a b"), std::string("a\nb"), std::string("\xff"), std::string(129, 'x')}) {
    const Json options = {{"name", name}};
    const std::string text = options.dump(-1, ' ', false, Json::error_handler_t::replace);
    EXPECT_TRUE(HasCode(home.Run({"create", text}), "invalid_argument")) << text;
    EXPECT_TRUE(HasCode(home.Run({"inspect", name}), "not_found")) << text;
    EXPECT_TRUE(HasCode(home.Run({"rmf", name}), "not_found")) << text;
  }
  EXPECT_TRUE(HasCode(home.Run({"inspect", ""}), "not_found"));
  EXPECT_EQ(home.Run({"ls"}).json["boxes"].size(), 1u);
}

TEST(BadName, ThatIsAnAmbiguousPrefixNamesTheCandidates) {
  TestHome home;
  // 37 ids over 36 first characters.
  std::map<char, std::string> seen;
  for (int i = 0; i < 37; ++i) {
    const std::string id = home.Create();
    const auto [first, is_new] = seen.emplace(id[0], id);
    if (is_new) continue;
    const Answer answer = home.Run({"inspect", id.substr(0, 1)});
    EXPECT_TRUE(HasCode(answer, "invalid_argument"));
    EXPECT_NE(answer.message.find(id), std::string::npos);
    EXPECT_NE(answer.message.find(first->second), std::string::npos);
    return;
  }
  FAIL() << "no two ids began alike";
}

TEST(BadArgument, OfAnyBytesReachesTheProgramAsItIs) {
  TestHome home;
  const Answer created =
      home.Run({"create", R"({"argv":["echo"],"raw_byte_argument":true,"raw_byte_env":true})"});
  ASSERT_TRUE(IsOk(created));
  const std::string id = created.json["id"];
  ASSERT_TRUE(IsOk(home.Run({"start", id})));
  ASSERT_TRUE(IsOk(home.Run({"wait", id})));
  EXPECT_EQ(home.Logs(id), "\xff\xfe\n\x01\n");
  EXPECT_TRUE(IsOk(home.Run({"ls"})));
  EXPECT_TRUE(IsOk(home.Run({"stop", id, "5000"})));
  const std::string other = home.Start();
  EXPECT_EQ(home.Run({"exec", other, "echo", "\xff\xfe\n"}).output, "\xff\xfe\n\n");
  EXPECT_TRUE(IsOk(home.Run({"stop", other, "5000"})));
}

TEST(BadArgument, WithANulOrWithoutItsMeaningIsRefused) {
  TestHome home;
  for (const char* options :
       {R"({"argv":["echo"],"nul_argument":true})", R"({"env":["NO_EQUALS"]})", R"({"env":["=x"]})",
        R"({"memory":1})", R"({"hostname":"a b"})", R"({"memory":99999999999})"}) {
    EXPECT_TRUE(HasCode(home.Run({"create", options}), "invalid_argument")) << options;
  }
  EXPECT_TRUE(HasCode(home.Run({"create", R"({"image":"debian"})"}), "not_found"));
  EXPECT_EQ(home.Run({"ls"}).json["boxes"], Json::array());
  EXPECT_TRUE(fs::is_empty(home.path() + "/boxes")) << "something half made is left";
}

}  // namespace
}  // namespace boxlite::testing
