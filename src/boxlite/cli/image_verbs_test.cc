// The verbs about images: what each makes of its words, and what it says over a home of files.
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "boxlite/cli/captured_console.h"
#include "boxlite/cli/image_requests.h"
#include "boxlite/cli/subcommand.h"
#include "boxlite/store/testing.h"

namespace boxlite::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

template <typename Request>
Result<Request> Parse(const Subcommand& subcommand, Result<Request> (*parse)(const Arguments&),
                      const Words& words) {
  Result<Arguments> arguments = Arguments::Parse(subcommand.syntax, words);
  if (!arguments.ok()) return std::move(arguments).error();
  return parse(*arguments);
}

TEST(CreateRequestForImages, SaysWhereTheImageComesFrom) {
  const auto create = [](const Words& words) { return Parse(kCreate, ParseCreate, words); };
  EXPECT_EQ(create({"image"})->options.pull, PullPolicy::kMissing);
  EXPECT_EQ(create({"--pull", "always", "image"})->options.pull, PullPolicy::kAlways);
  EXPECT_EQ(create({"--pull=never", "image"})->options.pull, PullPolicy::kNever);
  EXPECT_THAT(create({"--pull", "maybe", "image"}), HasCode(ErrorCode::kInvalidArgument));
  Result<CreateRequest> rootfs = create({"--rootfs", "/lay:x", "echo", "--pull"});
  ASSERT_THAT(rootfs, IsOk());
  EXPECT_EQ(rootfs->options.rootfs, "/lay:x");
  EXPECT_EQ(rootfs->options.image, "");
  EXPECT_THAT(rootfs->options.command, ElementsAre("echo", "--pull"));
  EXPECT_THAT(create({"--rootfs", "/lay"}), IsOk());
  EXPECT_THAT(create({"--rootfs", "", "x"}), HasCode(ErrorCode::kInvalidArgument));
}

TEST(PullRequestTest, TakesOneNameInDockersGrammar) {
  const auto pull = [](const Words& words) { return Parse(kPull, ParsePull, words); };
  EXPECT_EQ(pull({"-q", "debian:12"})->options.reference, "debian:12");
  EXPECT_TRUE(pull({"-q", "debian:12"})->quiet);
  EXPECT_FALSE(pull({}).ok());
  EXPECT_FALSE(pull({"a", "b"}).ok());
  EXPECT_THAT(pull({"Debian"}), HasCode(ErrorCode::kInvalidArgument));
}

TEST(ImportRequestTest, TakesATarAndMaybeAName) {
  const auto import = [](const Words& words) { return Parse(kImport, ParseImport, words); };
  Result<ImportOptions> options = import({"-c", "CMD x", "--change", "USER y", "-", "a:1"});
  ASSERT_THAT(options, IsOk());
  EXPECT_EQ(options->path, "-");
  EXPECT_EQ(options->name, "a:1");
  EXPECT_THAT(options->changes, ElementsAre("CMD x", "USER y"));
  EXPECT_FALSE(import({}).ok());
  EXPECT_THAT(import({"https://x/y.tar"}), HasCode(ErrorCode::kUnsupported));
}

TEST(LoginRequestTest, TakesThePasswordFromOnePlaceOnly) {
  const auto login = [](const Words& words) { return Parse(kLogin, ParseLogin, words); };
  EXPECT_EQ(login({})->host, "docker.io");
  EXPECT_EQ(login({"Reg.Example:5000"})->host, "reg.example:5000");
  EXPECT_FALSE(login({"https://reg.example"}).ok());
  EXPECT_FALSE(login({"--password-stdin"}).ok());
  EXPECT_FALSE(login({"-u", "me", "-p", "x", "--password-stdin"}).ok());
  EXPECT_TRUE(login({"-u", "me", "--password-stdin"})->password_on_stdin);
}

// A home with files alone, and a build that ships an image of a few bytes.
class ImageVerbs : public ::testing::Test {
 protected:
  ImageVerbs() {
    for (const char* name : {"boxes", "names"})
      BOXLITE_CHECK(EnsureDirectory(home_.fd(), name).ok());
    const std::string images = libexec_.path() + "/images";
    BOXLITE_CHECK(EnsureDirectory(libexec_.fd(), "images").ok());
    BOXLITE_CHECK(EnsureDirectory(AT_FDCWD, images + "/base").ok());
    Write(libexec_.path() + "/boxlite-shim", "");
    ::chmod((libexec_.path() + "/boxlite-shim").c_str(), 0700);
    Write(images + "/base/base.ext4", "base");
    Write(images + "/base/image.json", R"({"name":"boxlite/base","digest":"sha256:)" +
                                           std::string(64, 'f') + R"(","config":{"Cmd":["sh"]}})");
    ::setenv("BOXLITE_LIBEXEC", libexec_.path().c_str(), 1);
    ::setenv("BOXLITE_HOME", home_.path().c_str(), 1);
  }
  ~ImageVerbs() override {
    ::unsetenv("BOXLITE_LIBEXEC");
    ::unsetenv("BOXLITE_HOME");
  }

  static void Write(const std::string& path, const std::string& text) {
    BOXLITE_CHECK(WriteFileAtomically(AT_FDCWD, path, text, Durability::kVolatile).ok());
  }

  struct Answer {
    int code;
    std::string out;
    std::string err;
  };
  static Answer Say(const Words& words) {
    CapturedConsole captured;
    const int code = RunProgramLine(captured.console(), words);
    return {code, captured.out(), captured.err()};
  }

  StoreFixture home_;
  TestDirectory libexec_;
};

TEST_F(ImageVerbs, ListTheShippedImageAndThoseOfTheHome) {
  home_.Tag("debian:12", home_.AddImage('a'));
  home_.AddImage('b');
  const Answer table = Say({"images"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("REPOSITORY"));
  EXPECT_THAT(table.out, HasSubstr("debian"));
  EXPECT_THAT(table.out, HasSubstr("boxlite/base"));
  EXPECT_THAT(table.out, HasSubstr("<none>"));
  EXPECT_EQ(Say({"image", "ls"}).out, table.out);
  EXPECT_EQ(Say({"images", "-q", "--filter", "dangling=true"}).out, "bbbbbbbbbbbb\n");
  EXPECT_EQ(Say({"images", "--no-trunc", "-q", "debian"}).out,
            "sha256:" + std::string(64, 'a') + "\n");
  EXPECT_EQ(Say({"images", "--format", "{{.Repository}}:{{.Tag}}", "debian"}).out, "debian:12\n");
  const auto json = nlohmann::json::parse(Say({"images", "--format", "json", "debian"}).out);
  EXPECT_EQ(json.at(0).at("tag"), "12");
}

TEST_F(ImageVerbs, OfAHomeThatIsNotThereMakeNone) {
  const std::string none = home_.path() + "/none";
  EXPECT_EQ(Say({"--home", none, "images"}).code, 0);
  EXPECT_EQ(Say({"--home", none, "image", "inspect", "boxlite/base"}).code, 0);
  EXPECT_EQ(Say({"--home", none, "gc", "--dry-run"}).code, 0);
  EXPECT_NE(::access(none.c_str(), F_OK), 0);
}

TEST_F(ImageVerbs, NameAnImageAndTakeNamesAway) {
  home_.Tag("a", home_.AddImage('a'));
  EXPECT_EQ(Say({"tag", "a", "b:2"}).code, 0);
  EXPECT_EQ(Say({"tag", "boxlite/base", "mine"}).code, 0);
  EXPECT_EQ(Say({"images", "-q", "mine"}).out, std::string(12, 'f') + "\n");
  EXPECT_EQ(Say({"tag", "none", "c"}).code, 1);
  EXPECT_EQ(Say({"rmi", "a"}).out, "Untagged: a:latest\n");
  EXPECT_EQ(Say({"rmi", "b:2"}).out,
            "Untagged: b:2\nDeleted: sha256:" + std::string(64, 'a') + "\n");
  const Answer gone = Say({"rmi", "b:2", "mine"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("b:2"));
  EXPECT_THAT(gone.out, HasSubstr("Untagged: mine:latest"));
}

TEST_F(ImageVerbs, CleanUpWhatHasNoNameAndTellWhatIsNotOurs) {
  home_.Tag("a", home_.AddImage('a'));
  home_.AddImage('b');
  Write(home_.path() + "/images/odd", "x");
  const Answer dry = Say({"gc", "--dry-run"});
  EXPECT_THAT(dry.out, HasSubstr("deleted: sha256:" + std::string(64, 'b')));
  EXPECT_THAT(dry.err, HasSubstr("images/odd"));
  EXPECT_EQ(home_.store().List()->size(), 2u);
  EXPECT_THAT(Say({"image", "prune", "-f"}).out, HasSubstr("Total reclaimed space"));
  EXPECT_EQ(home_.store().List()->size(), 1u);
  EXPECT_EQ(Say({"image", "prune", "-a", "-f"}).code, 0);
  EXPECT_EQ(home_.store().List()->size(), 0u);
  EXPECT_EQ(::access((home_.path() + "/images/odd").c_str(), F_OK), 0);
}

TEST_F(ImageVerbs, NeverPullWhenToldNotTo) {
  const Answer never = Say({"create", "--pull", "never", "debian:12"});
  EXPECT_EQ(never.code, 1);
  EXPECT_THAT(never.err, HasSubstr("no such image: debian:12"));
  EXPECT_EQ(Say({"create", "sha256:" + std::string(64, '1')}).code, 1);
}

TEST_F(ImageVerbs, ExplainThemselvesAlsoBelowImage) {
  EXPECT_THAT(Say({"image", "prune", "--help"}).out, HasSubstr("boxlite image prune"));
  EXPECT_THAT(Say({"image", "rm", "--help"}).out, HasSubstr("boxlite rmi"));
  EXPECT_EQ(Say({"image"}).code, 2);
  EXPECT_EQ(Say({"image", "fly"}).code, 2);
  EXPECT_EQ(Say({"image", "prune", "--fly"}).code, 2);
}

}  // namespace
}  // namespace boxlite::cli
