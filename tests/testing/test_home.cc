#include "testing/test_home.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace boxlite::testing {
namespace {

namespace fs = std::filesystem;

// After a verb said that all is over, the processes have this long for their last instructions.
constexpr int kLeavePatienceMs = 5000;

std::string MakeRoot() {
  std::string pattern = (fs::temp_directory_path() / "boxlite-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) ::abort();
  // /proc shows resolved paths.
  return fs::canonical(pattern).string();
}

Json ParseOrNull(const std::string& text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json() : json;
}

ProcessRef ToRef(const Json& json) {
  if (!json.is_object()) return {};
  return {json.value("pid", 0), json.value("start_ticks", std::uint64_t{0})};
}

std::vector<std::string> Lines(const std::string& path) {
  std::istringstream text(ReadWhole(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

// Waits, driven by inotify, until `count` lines of the file begin with `line`.
bool AwaitLines(const std::string& directory, const std::string& file, const std::string& line,
                int count, int patience_ms) {
  const Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  EXPECT_GE(::inotify_add_watch(watch.get(), directory.c_str(), IN_MODIFY | IN_CREATE), 0);
  const auto deadline = std::chrono::steady_clock::now() + milliseconds(patience_ms);
  for (;;) {
    const auto lines = Lines(directory + "/" + file);
    const auto seen = std::count_if(lines.begin(), lines.end(), [&](const std::string& one) {
      return one.rfind(line, 0) == 0;
    });
    if (seen >= count) return true;
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd poller = {watch.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&poller, 1, static_cast<int>(left.count())) <= 0) return false;
    char events[4096];
    while (::read(watch.get(), events, sizeof events) > 0) {
    }
  }
}

}  // namespace

std::string ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteWhole(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  ASSERT_TRUE(file.good()) << path;
}

bool ProcessRef::alive() const {
  return pid > 0 && ticks != 0 && StartTicks(pid) == ticks && ProcessState(pid) != 'Z';
}

TestHome::TestHome(const std::string& suffix) : root_(MakeRoot()), path_(root_ + "/" + suffix) {
  libexec_ = root_ + "/libexec";
  fs::create_directories(libexec_ + "/images/base");
  fs::create_symlink(BOXLITE_SHIM, libexec_ + "/boxlite-shim");
  WriteWhole(libexec_ + "/images/base/base.ext4", "a base that no fake engine reads");
  const Json image = {{"name", "boxlite/test"},
                      {"digest", "sha256:" + std::string(64, 'a')},
                      {"config", {{"Cmd", {"sleep-forever"}}, {"Env", {"PATH=/bin"}}}}};
  WriteWhole(libexec_ + "/images/base/image.json", image.dump());
  Set("BOXLITE_HOME", path_);
  Set("BOXLITE_LIBEXEC", libexec_);
  Set("BOXLITE_ENGINE", std::string("fake:") + BOXLITE_FAKE_ENGINE);
}

TestHome::~TestHome() {
  const std::string left = DescribeLeftovers(root_, kLeavePatienceMs);
  EXPECT_EQ(left, "") << "something of the test's boxes is left";
  for (const Leftover& one : FindProcessesBelow(root_)) {
    SignalProcess(one.pid, StartTicks(one.pid), SIGKILL);
    AwaitProcessEnd(one.pid, 0, kLeavePatienceMs);
  }
  if (::testing::Test::HasFailure() && std::getenv("BOXLITE_TEST_KEEP") != nullptr) {
    std::fprintf(stderr, "kept: %s\n", root_.c_str());
    return;
  }
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void TestHome::Set(const std::string& name, const std::string& value) {
  for (auto& [known, old] : environment_) {
    if (known != name) continue;
    old = value;
    return;
  }
  environment_.emplace_back(name, value);
}

int TestHome::RunProgram(const std::vector<std::string>& argv, milliseconds wait) {
  std::vector<char*> pointers;
  for (const std::string& word : argv) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (const auto& [name, value] : environment_) ::setenv(name.c_str(), value.c_str(), 1);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  const bool ended = AwaitProcessEnd(pid, 0, static_cast<int>(wait.count()));
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ToolProcess TestHome::Begin(const std::vector<std::string>& words, int inherited_fd) {
  return ToolProcess(words, {environment_, inherited_fd});
}

Answer TestHome::Run(const std::vector<std::string>& words, milliseconds wait) {
  ToolProcess tool = Begin(words);
  tool.EndInput();
  return tool.Finish(wait);
}

std::string TestHome::Create(const std::vector<std::string>& argv, Json more) {
  Json options = more.is_null() ? Json::object() : std::move(more);
  options["argv"] = argv;
  const Answer answer = Run({"create", options.dump()});
  EXPECT_TRUE(IsOk(answer));
  return answer.json.value("id", "none");
}

std::string TestHome::Start(const std::vector<std::string>& argv, Json more) {
  const std::string id = Create(argv, std::move(more));
  EXPECT_TRUE(IsOk(Run({"start", id})));
  return id;
}

void TestHome::Script(const std::string& id, const std::string& faults_json) {
  WriteWhole(box(id) + "/fake.json", faults_json);
}

Json TestHome::Look(const std::string& id) {
  const Answer answer = Run({"ls"});
  EXPECT_TRUE(IsOk(answer));
  for (const Json& entry : answer.json.value("boxes", Json::array())) {
    if (entry["id"] == id) return entry;
  }
  return Json::object();
}

std::string TestHome::State(const std::string& id) { return Look(id).value("state", "absent"); }

std::string TestHome::Logs(const std::string& id) {
  const Answer answer = Run({"logs", id});
  EXPECT_TRUE(IsOk(answer));
  return answer.output;
}

std::string TestHome::LifeDir(const std::string& id) const {
  unsigned long newest = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(box(id) + "/lives", ignored)) {
    newest = std::max(newest, std::strtoul(entry.path().filename().c_str(), nullptr, 10));
  }
  return box(id) + "/lives/" + std::to_string(newest);
}

Json TestHome::Record(const std::string& id) const {
  return ParseOrNull(ReadWhole(LifeDir(id) + "/record.json"));
}

ProcessRef TestHome::Shim(const std::string& id) const {
  const Json record = Record(id);
  return record.is_object() ? ToRef(record.value("shim", Json())) : ProcessRef();
}

ProcessRef TestHome::Engine(const std::string& id) const {
  const Json record = Record(id);
  return record.is_object() ? ToRef(record.value("vm", Json())) : ProcessRef();
}

std::vector<std::string> TestHome::EngineLog(const std::string& id) const {
  return Lines(box(id) + "/engine.log");
}

int TestHome::EngineStarts(const std::string& id) const {
  const auto lines = EngineLog(id);
  return static_cast<int>(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.rfind("engine ", 0) == 0;
  }));
}

Json TestHome::Disk(const std::string& id) const {
  return ParseOrNull(ReadWhole(box(id) + "/disk.qcow2"));
}

bool TestHome::AwaitEngine(const std::string& id, const std::string& line, int count,
                           int patience_ms) const {
  return AwaitLines(box(id), "engine.log", line, count, patience_ms);
}

bool TestHome::AwaitShimLog(const std::string& id, const std::string& line, int count,
                            int patience_ms) const {
  return AwaitLines(LifeDir(id), "shim.log", line, count, patience_ms);
}

::testing::AssertionResult IsOk(const Answer& answer) {
  if (answer.ok) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << answer.code << ": " << answer.message;
}

::testing::AssertionResult HasCode(const Answer& answer, const std::string& code) {
  if (!answer.ok && answer.code == code) return ::testing::AssertionSuccess();
  if (answer.ok) return ::testing::AssertionFailure() << "succeeded: " << answer.text();
  return ::testing::AssertionFailure() << answer.code << ": " << answer.message;
}

Innocent::Innocent() {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  ref_ = {pid, StartTicks(pid)};
}

Innocent::~Innocent() {
  ref_.Signal(SIGKILL);
  while (::waitpid(ref_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool Innocent::Unharmed() const {
  // A signal that ends it makes it a zombie, one that stops it shows as T.
  return ref_.alive() && ProcessState(ref_.pid) != 'T';
}

}  // namespace boxlite::testing
