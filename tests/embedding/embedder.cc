#include "embedder.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <set>
#include <thread>

using namespace boxlite;               // NOLINT: as the smallest embedders do
using namespace std::chrono_literals;  // NOLINT

namespace {

std::set<int> OpenDescriptors() {
  std::set<int> numbers;
  DIR* directory = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(directory)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && number != ::dirfd(directory)) numbers.insert(number);
  }
  ::closedir(directory);
  return numbers;
}

pid_t ChildThatExits(int code) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(code);
  return pid;
}

// Two lives, a program with output and input: what every case wants to see work.
void UseABox(Runtime& runtime) {
  Box box = MUST(runtime.Run(Options()));
  const CapturedOutput output = MUST(box.ExecAndCapture(Program({"echo", "hello"})));
  CHECK(output.result.exit.ok());
  CHECK(output.out == "hello\n");
  CHECK(MUST(box.ExecAndCapture(Program({"exit", "7"}))).result.exit.code == 7);
  MUST(box.Stop(0ms));
  MUST(box.Remove());
}

void OwnChildren() {
  Runtime runtime = MUST(Runtime::Open());
  const pid_t first = ChildThatExits(3);
  UseABox(runtime);
  const pid_t second = ChildThatExits(4);
  int status = 0;
  // The library's own children are not among "any child", and take no code of ours.
  std::set<std::pair<pid_t, int>> ended;
  for (pid_t pid; (pid = ::waitpid(-1, &status, 0)) > 0;) ended.insert({pid, WEXITSTATUS(status)});
  CHECK((ended == std::set<std::pair<pid_t, int>>{{first, 3}, {second, 4}}));
}

std::atomic<int> children_told = 0;

void NoSigchldOfOurs() {
  struct sigaction action = {};
  action.sa_handler = [](int) { ++children_told; };
  ::sigaction(SIGCHLD, &action, nullptr);
  Runtime runtime = MUST(Runtime::Open());
  UseABox(runtime);
  CHECK(children_told == 0);
}

void SigchldIgnored() {
  ::signal(SIGCHLD, SIG_IGN);
  Runtime runtime = MUST(Runtime::Open());
  UseABox(runtime);
  struct sigaction now = {};
  ::sigaction(SIGCHLD, nullptr, &now);
  CHECK(now.sa_handler == SIG_IGN);
}

void SigpipeUnchanged() {
  for (const sighandler_t disposition : {SIG_DFL, SIG_IGN}) {
    ::signal(SIGPIPE, disposition);
    Runtime runtime = MUST(Runtime::Open());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([&runtime] { UseABox(runtime); });
    for (std::thread& thread : threads) thread.join();
    struct sigaction now = {};
    ::sigaction(SIGPIPE, nullptr, &now);
    CHECK(now.sa_handler == disposition);
  }
}

void ForkWithoutExec() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options({"say-term"}), Attachment::kAttached));
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);  // a hang is a failure
    const Status refused = box.Stop(0ms).ok() ? Status() : Status(box.Stop(0ms).error());
    if (refused.ok() || refused.error().code() != ErrorCode::kWrongState) ::_exit(2);
    if (runtime.List().ok()) ::_exit(3);
    {
      Runtime gone = std::move(runtime);  // its destructor must neither hang nor end the box
    }
    // What was made here is of use here.
    Runtime own = Must(Runtime::Open(), "open in the child");
    if (Must(Must(own.Find(box.id()), "find").Inspect(), "inspect").state != BoxState::kRunning) {
      ::_exit(4);
    }
    own.Close();
    ::_exit(0);
  }
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(MUST(box.Inspect()).state == BoxState::kRunning);
  MUST(box.Stop(5s));
  MUST(box.Remove());
}

// A child that lives on after a fork must not keep a box attached, or locked, that its parent left.
void ForkKeepsNothingAlive() {
  auto runtime = std::make_unique<Runtime>(MUST(Runtime::Open()));
  Box attached = MUST(runtime->Run(Options({"say-term"}), Attachment::kAttached));
  int gate[2];
  CHECK(::pipe2(gate, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(gate[1]);
    char byte;
    ::_exit(::read(gate[0], &byte, 1) == 0 ? 0 : 1);
  }
  runtime->Close();
  Runtime other = MUST(Runtime::Open());
  Box box = MUST(other.Find(attached.id()));
  CHECK(box.Wait(20s).ok());
  MUST(box.Stop(5s));
  MUST(box.Remove());
  ::close(gate[1]);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child && status == 0);
}

void ClosedStandardDescriptors() {
  for (int number = 0; number < 3; ++number) ::close(number);
  Runtime runtime = MUST(Runtime::Open());
  UseABox(runtime);
  // They are still the embedder's to open.
  CHECK(::open("/dev/null", O_RDWR) == 0);
}

void EverythingClosedMeanwhile() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options(), Attachment::kAttached));
  // As a daemon does that detaches itself, after it has opened the library.
  ::close_range(3, ~0U, 0);
  CHECK(MUST(box.ExecAndCapture(Program({"echo", "on"}))).out == "on\n");
  MUST(box.Stop(0ms));
  MUST(box.Remove());
}

void NoDescriptorShows() {
  const std::set<int> before = OpenDescriptors();
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options(), Attachment::kAttached));
  Execution cat = MUST(box.Exec(Program({"sleep-forever"})));
  CHECK(OpenDescriptors() == before);
  MUST(cat.Signal(SIGKILL));
  MUST(cat.Wait(20s));
  MUST(box.Remove(Box::Force::kYes));
}

void AThreadThatEnds() {
  Runtime runtime = MUST(Runtime::Open());
  std::optional<Box> box;
  std::thread([&] { box = MUST(runtime.Run(Options(), Attachment::kAttached)); }).join();
  CHECK(MUST(box->Inspect()).state == BoxState::kRunning);
  CHECK(MUST(box->ExecAndCapture(Program({"echo", "on"}))).out == "on\n");
  MUST(box->Remove(Box::Force::kYes));
}

void EightThreads() {
  Runtime runtime = MUST(Runtime::Open());
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&runtime] { UseABox(runtime); });
  for (std::thread& thread : threads) thread.join();
  CHECK(MUST(runtime.List()).empty());
}

void HandleAcrossLives() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  MUST(box.Stop(0ms));
  CHECK(MUST(box.Inspect()).state == BoxState::kStopped);
  MUST(box.Start());
  CHECK(MUST(box.ExecAndCapture(Program({"echo", "again"}))).out == "again\n");
  // The machine dies.
  Result<CapturedOutput> crash = box.ExecAndCapture(Program({"crash"}));
  CHECK(!crash.ok() && crash.error().code() == ErrorCode::kUnavailable);
  CHECK(!box.Wait(20s).ok());
  MUST(box.Start());
  CHECK(MUST(box.Inspect()).life == 3);
  MUST(box.Restart(0ms));
  CHECK(MUST(box.ExecAndCapture(Program({"echo", "again"}))).out == "again\n");
  MUST(box.Remove(Box::Force::kYes));
  CHECK(box.Inspect().error().code() == ErrorCode::kNotFound);
}

void TypedErrors() {
  Runtime runtime = MUST(Runtime::Open());
  CHECK(runtime.Find("nobody").error().code() == ErrorCode::kNotFound);
  BoxOptions wrong = Options();
  wrong.memory_mib = 1;
  CHECK(runtime.Create(wrong).error().code() == ErrorCode::kInvalidArgument);
  BoxOptions named = Options();
  named.name = "one";
  Box box = MUST(runtime.Create(named));
  CHECK(runtime.Create(named).error().code() == ErrorCode::kAlreadyExists);
  CHECK(box.Kill(SIGTERM).error().code() == ErrorCode::kWrongState);
  CHECK(box.Wait(1s).error().code() == ErrorCode::kWrongState);
  MUST(box.Start());
  CHECK(box.Exec(Program({"no-such"})).error().code() == ErrorCode::kCommandNotFound);
  CHECK(box.Reattach("no-such", {}).error().code() == ErrorCode::kNotFound);
  CHECK(box.Remove().error().code() == ErrorCode::kWrongState);
  MUST(box.Remove(Box::Force::kYes));
  CHECK(runtime.Run(Options({"no-such"})).error().code() == ErrorCode::kCommandNotFound);
  CHECK(MUST(runtime.List()).empty());
  runtime.Close();
  CHECK(runtime.List().error().code() == ErrorCode::kWrongState);
}

void Deadlines() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) CHECK(box.Wait(20ms).error().code() == ErrorCode::kTimeout);
  Execution slow = MUST(box.Exec(Program({"sleep-forever"})));
  CHECK(slow.Wait(50ms).error().code() == ErrorCode::kTimeout);
  CHECK(box.ExecAndCapture(Program({"sleep-forever"}), 200ms).error().code() ==
        ErrorCode::kTimeout);
  CHECK(
      box.Logs(
             {.follow = true, .tail_lines = 1}, [](Stream, std::string_view) { return true; }, 50ms)
          .error()
          .code() == ErrorCode::kTimeout);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  std::future<Result<ExitStatus>> later = box.WaitAsync();
  CHECK(later.wait_for(50ms) == std::future_status::timeout);
  CHECK(box.StopAsync(0ms).get().ok());
  CHECK(later.get().ok());
  CHECK(slow.Wait(20s).ok() || slow.Wait(0ms).error().code() == ErrorCode::kUnavailable);
  MUST(box.Remove());
}

void CallbacksAndInput() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  std::string out;
  std::thread::id caller = std::this_thread::get_id();
  int pipe[2];
  CHECK(::pipe2(pipe, O_CLOEXEC) == 0);
  ExecOptions hello = Program({"echo", "hello"});
  hello.on_stdout = [&](std::string_view bytes) {
    // A callback's descriptors are the host's.
    CHECK(::write(pipe[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  };
  MUST(MUST(box.Exec(hello)).Wait(20s));
  char text[16] = {};
  CHECK(::read(pipe[0], text, sizeof text) == 6 && std::string(text) == "hello\n");
  ExecOptions options = Program({"cat"});
  options.open_stdin = true;
  options.on_stdout = [&](std::string_view bytes) {
    CHECK(std::this_thread::get_id() != caller);
    out += bytes;
  };
  Execution cat = MUST(box.Exec(options));
  std::string sent;
  for (int i = 0; i < 200'000; ++i) sent += std::to_string(i) + "\n";
  CHECK(MUST(cat.WriteStdin(sent)) == sent.size());
  MUST(cat.CloseStdin());
  const ExecResult end = MUST(cat.Wait(60s));
  CHECK(end.exit.ok());
  CHECK(out == sent);
  CHECK(MUST(cat.Wait(0ms)).exit.ok());
  CHECK(cat.WriteStdin("more").error().code() == ErrorCode::kWrongState);
  MUST(box.Remove(Box::Force::kYes));
}

// The deadline is the box's to keep, and what it ends is dead: not merely waited for no more.
void CaptureEndsWhatItGivesUp() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  const auto end_of_last = [&box] {
    const std::string id = MUST(box.Executions()).back().id;
    return MUST(MUST(box.Reattach(id, {})).Wait(20s));
  };
  CHECK(box.ExecAndCapture(Program({"sleep-forever"}), 200ms).error().code() ==
        ErrorCode::kTimeout);
  CHECK(end_of_last().timed_out);
  // A program that never ends by itself, and has written more than is wanted.
  CHECK(box.ExecAndCapture(Program({"echo", "too much", ";", "sleep-forever"}), 60s, 3)
            .error()
            .code() == ErrorCode::kResourceExhausted);
  CHECK(end_of_last().exit.signal == SIGKILL);
  // Exactly the limit is not too much.
  CHECK(MUST(box.ExecAndCapture(Program({"echo", "four"}), 60s, 5)).out == "four\n");
  MUST(box.Remove(Box::Force::kYes));
}

void LettingGoEndsNothing() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  std::string id;
  {
    Execution sleeper = MUST(box.Exec(Program({"sleep-forever"})));
    id = sleeper.id();
  }
  {
    Runtime other = MUST(Runtime::Open());
    Box same = MUST(other.Find(box.id()));
    CHECK(MUST(same.Executions()).front().running);
    Execution again = MUST(same.Reattach(id, {}));
    CHECK(again.Wait(50ms).error().code() == ErrorCode::kTimeout);
    MUST(again.Signal(SIGKILL));
    CHECK(MUST(again.Wait(20s)).exit.signal == SIGKILL);
  }
  MUST(box.Remove(Box::Force::kYes));
}

void CloseEndsWhatWaits() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  std::future<Result<ExitStatus>> waiting = box.WaitAsync();
  Execution sleeper = MUST(box.Exec(Program({"sleep-forever"})));
  runtime.Close();
  CHECK(!waiting.get().ok());
  CHECK(!sleeper.Wait(0ms).ok());
  Runtime other = MUST(Runtime::Open());
  Box same = MUST(other.Find(box.id()));
  CHECK(MUST(same.Inspect()).state == BoxState::kRunning);
  MUST(same.Remove(Box::Force::kYes));
}

void LogsOfMain() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options({"echo", "one", ";", "echo-err", "two"})));
  MUST(box.Wait(20s));
  MUST(box.Stop(5s));
  std::string out;
  std::string err;
  MUST(box.Logs({}, [&](Stream stream, std::string_view bytes) {
    (stream == Stream::kStdout ? out : err) += bytes;
    return true;
  }));
  CHECK(out == "one\n");
  CHECK(err == "two\n");
  CHECK(MUST(runtime.Images()).front().in_home);
  MUST(box.Remove());
}

std::string ReadAndClose(std::FILE* file) {
  CHECK(file != nullptr);
  char text[64] = {};
  const std::size_t count = std::fread(text, 1, sizeof text, file);
  std::fclose(file);
  return {text, count};
}

void FilesBothWays() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  const std::string path = std::string(std::getenv("BOXLITE_HOME")) + "/copied";
  CHECK(MUST(box.CopyOut("/greeting", path)).bytes == 3);
  CHECK(ReadAndClose(std::fopen(path.c_str(), "r")) == "hi\n");
  std::FILE* file = std::fopen(path.c_str(), "w");
  std::fputs("hello\n", file);
  std::fclose(file);
  CHECK(MUST(box.CopyIn(path, "/greeting")).bytes == 6);
  MUST(box.CopyOut("/greeting", path + "-again"));
  CHECK(ReadAndClose(std::fopen((path + "-again").c_str(), "r")) == "hello\n");
  CHECK(box.CopyOut("/no/such", path).error().code() == ErrorCode::kNotFound);
  CHECK(box.CopyIn("no-such", "/").error().code() == ErrorCode::kNotFound);
  MUST(box.Remove(Box::Force::kYes));
}

// on_progress is the embedder's: its thread, its descriptors, and never after the copy.
void ProgressOfACopy() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Run(Options()));
  const std::thread::id caller = std::this_thread::get_id();
  int pipe[2];
  CHECK(::pipe2(pipe, O_CLOEXEC) == 0);
  std::uint64_t told = 0;
  CopyOptions options;
  options.on_progress = [&](std::uint64_t bytes, std::uint64_t total) {
    CHECK(std::this_thread::get_id() == caller);
    CHECK(::write(pipe[1], "x", 1) == 1);
    CHECK(total == 3);
    told = bytes;
  };
  const std::string path = std::string(std::getenv("BOXLITE_HOME")) + "/copied";
  CHECK(MUST(box.CopyOut("/greeting", path, options)).bytes == 3);
  CHECK(told == 3);
  MUST(box.Remove(Box::Force::kYes));
}

// A copy whose time is over has ended, whichever way it went.
void CopiesGivenUp() {
  Runtime runtime = MUST(Runtime::Open());
  Box box = MUST(runtime.Create(Options()));
  const std::string home = std::getenv("BOXLITE_HOME");
  std::FILE* faults = std::fopen((home + "/boxes/" + box.id() + "/fake.json").c_str(), "w");
  std::fputs(R"({"silent": ["pack", "unpack"]})", faults);
  std::fclose(faults);
  MUST(box.Start());
  const auto begin = std::chrono::steady_clock::now();
  const std::string path = home + "/copied";
  CHECK(box.CopyOut("/greeting", path, {}, 200ms).error().code() == ErrorCode::kTimeout);
  CHECK(std::fopen(path.c_str(), "r") == nullptr);
  const std::string source = home + "/boxes/" + box.id() + "/fake.json";
  CHECK(box.CopyIn(source, "/greeting", {}, 200ms).error().code() == ErrorCode::kTimeout);
  CHECK(std::chrono::steady_clock::now() - begin < 30s);
  CHECK(MUST(box.ExecAndCapture(Program({"echo", "on"}))).out == "on\n");
  MUST(box.Remove(Box::Force::kYes));
}

void RenamesAndUsage() {
  Runtime runtime = MUST(Runtime::Open());
  BoxOptions named = Options();
  named.name = "first";
  Box box = MUST(runtime.Run(named));
  MUST(box.Rename("second"));
  CHECK(MUST(runtime.Find("second")).id() == box.id());
  CHECK(runtime.Find("first").error().code() == ErrorCode::kNotFound);
  CHECK(box.Rename("/").error().code() == ErrorCode::kInvalidArgument);
  const BoxUsage usage = MUST(box.Usage());
  CHECK(usage.processes > 0);
  CHECK(usage.host_cpu.has_value());
  MUST(box.Stop(0ms));
  CHECK(box.Usage().error().code() == ErrorCode::kWrongState);
  MUST(box.Remove());
}

const struct {
  const char* name;
  void (*run)();
} kCases[] = {{"own-children", OwnChildren},
              {"no-sigchld", NoSigchldOfOurs},
              {"sigchld-ignored", SigchldIgnored},
              {"sigpipe", SigpipeUnchanged},
              {"fork", ForkWithoutExec},
              {"fork-keeps-nothing", ForkKeepsNothingAlive},
              {"closed-standard", ClosedStandardDescriptors},
              {"all-closed", EverythingClosedMeanwhile},
              {"descriptors", NoDescriptorShows},
              {"thread-ends", AThreadThatEnds},
              {"eight-threads", EightThreads},
              {"handle", HandleAcrossLives},
              {"errors", TypedErrors},
              {"deadlines", Deadlines},
              {"callbacks", CallbacksAndInput},
              {"capture-ends", CaptureEndsWhatItGivesUp},
              {"let-go", LettingGoEndsNothing},
              {"close", CloseEndsWhatWaits},
              {"logs", LogsOfMain},
              {"files", FilesBothWays},
              {"copy-progress", ProgressOfACopy},
              {"copy-late", CopiesGivenUp},
              {"rename-usage", RenamesAndUsage}};

}  // namespace

int main(int argc, char** argv) {
  for (const auto& one : kCases) {
    if (argc == 2 && std::string(argv[1]) == one.name) {
      one.run();
      return 0;
    }
  }
  std::fprintf(stderr, "no such case\n");
  return 2;
}
