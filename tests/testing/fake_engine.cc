// fake_engine: stands in QEMU's place in lifecycle tests. A real child process of the shim that
// inherits the machine's lock, speaks the agent's protocol and misbehaves as fake.json tells it to.
#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <kj/async-io.h>
#include <kj/debug.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <set>

#include "agent.capnp.h"
#include "boxlite/base/process_identity.h"
#include "boxlite/rpc/error_mapping.h"
#include "boxlite/rpc/serial_handshake.h"
#include "boxlite/vmm/qemu_command.h"
#include "testing/fake_files.h"
#include "testing/fake_program.h"
#include "testing/fake_script.h"

namespace boxlite::testing {
namespace {

std::vector<std::string> ToStrings(capnp::List<capnp::Data>::Reader list) {
  std::vector<std::string> strings;
  for (const capnp::Data::Reader item : list) strings.emplace_back(AsText(item));
  return strings;
}

// The parts of the fake machine that outlive single calls.
struct Machine {
  explicit Machine(kj::Timer& t) : timer(t), script(ReadFakeScript(kQemuBoxDirFd)) {}

  // Each step passes here: it may be late, never come, or be the engine's last.
  kj::Promise<void> Reach(const std::string& step) {
    Trace(kQemuBoxDirFd, step);
    if (script.die.contains(step)) ::raise(SIGKILL);
    if (script.silent.contains(step)) return kj::NEVER_DONE;
    const auto slow = script.slow_ms.find(step);
    if (slow == script.slow_ms.end()) return kj::READY_NOW;
    return timer.afterDelay(slow->second * kj::MILLISECONDS);
  }

  // True when the script makes this step fail; the error is then in place.
  bool Fails(const std::string& step, wire::Error::Builder error) const {
    const auto words = script.error.find(step);
    if (words == script.error.end()) return false;
    ToWire(Error(ErrorCode::kInternal, words->second), error);
    return true;
  }

  void KillAll() {
    for (auto& program : programs) program->Signal(SIGKILL);
  }

  kj::Timer& timer;
  FakeScript script;
  FakeDisk disk{kQemuBoxDirFd};
  std::vector<kj::Own<FakeProgram>> programs;
  std::vector<std::string> commands;  // of the programs
  std::uint64_t written = 0;
  FakeFiles files;
};

class InputSink final : public wire::ByteSink::Server {
 public:
  explicit InputSink(kj::Own<FakeProgram> program) : program_(kj::mv(program)) {}
  kj::Promise<void> write(WriteContext context) override {
    return program_->GiveInput(context.getParams().getBytes());
  }
  kj::Promise<void> end(EndContext) override {
    program_->EndInput();
    return kj::READY_NOW;
  }

 private:
  kj::Own<FakeProgram> program_;
};

class ProcessService final : public wire::Process::Server {
 public:
  ProcessService(Machine& machine, kj::Own<FakeProgram> program)
      : machine_(machine), program_(kj::mv(program)) {}

  kj::Promise<void> wait(WaitContext context) override {
    return program_->WhenEnded().then([context](FakeExit&& exit) mutable {
      auto out = context.getResults().initExit();
      if (exit.signal) {
        out.setSignal(static_cast<std::uint8_t>(*exit.signal));
      } else {
        out.setCode(static_cast<std::uint8_t>(exit.code.value_or(0)));
      }
    });
  }
  kj::Promise<void> signal(SignalContext context) override {
    return machine_.Reach("signal").then([this, context]() mutable {
      if (program_->Signal(context.getParams().getNumber())) return;
      ToWire(Error(ErrorCode::kWrongState, "the program has ended"),
             context.getResults().initError());
    });
  }
  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(kj::heap<InputSink>(kj::addRef(*program_)));
    return kj::READY_NOW;
  }
  kj::Promise<void> resize(ResizeContext context) override {
    const auto size = context.getParams().getSize();
    if (!program_->Resize(size.getRows(), size.getColumns())) {
      ToWire(Error(ErrorCode::kWrongState, "it has no terminal"), context.getResults().initError());
    }
    return kj::READY_NOW;
  }
  kj::Promise<void> kill(KillContext) override {
    return machine_.Reach("kill").then([this]() { program_->Signal(SIGKILL); });
  }

 private:
  Machine& machine_;
  kj::Own<FakeProgram> program_;
};

class AgentService final : public wire::Agent::Server {
 public:
  explicit AgentService(Machine& machine) : machine_(machine) {}

  kj::Promise<void> personalise(PersonaliseContext context) override {
    return machine_.Reach("personalise").then([this, context]() mutable {
      auto results = context.getResults();
      if (machine_.Fails("personalise", results.initError())) return;
      results.setConfirmation(context.getParams().getPersonality().getChallenge());
      if (machine_.script.lie.contains("challenge")) results.setConfirmation(AsBytes("trust me"));
    });
  }

  kj::Promise<void> mountRoot(MountRootContext context) override {
    return machine_.Reach("mountRoot").then([this, context]() mutable {
      if (machine_.Fails("mountRoot", context.getResults().initError())) return;
      machine_.disk.Load();
    });
  }

  kj::Promise<void> start(StartContext context) override {
    const bool is_main = context.getParams().getRole() == wire::Agent::Role::MAIN;
    return machine_.Reach(is_main ? "start" : "exec").then([this, context, is_main]() mutable {
      Start(context, is_main);
    });
  }

  kj::Promise<void> shutdown(ShutdownContext) override {
    return machine_.Reach("shutdown")
        .then([this]() {
          machine_.KillAll();
          return Flush(machine_.script.flush_ms);
        })
        .then([this]() {
          machine_.disk.Flush();
          Trace(kQemuBoxDirFd, "flushed");
          // The answer leaves before the power does.
          power_off_ = machine_.timer.afterDelay(1 * kj::MILLISECONDS)
                           .then([]() { ::_exit(0); })
                           .eagerlyEvaluate(nullptr);
        });
  }

  kj::Promise<void> ping(PingContext) override { return kj::READY_NOW; }

  kj::Promise<void> pathInfo(PathInfoContext context) override {
    machine_.files.Describe(context);
    return kj::READY_NOW;
  }

  kj::Promise<void> pack(PackContext context) override {
    return machine_.Reach("pack").then(
        [this, context]() mutable { return machine_.files.Pack(context); });
  }

  kj::Promise<void> unpack(UnpackContext context) override {
    return machine_.Reach("unpack").then(
        [this, context]() mutable { machine_.files.Unpack(context); });
  }

  kj::Promise<void> processes(ProcessesContext context) override {
    return machine_.Reach("processes").then([this, context]() mutable {
      auto results = context.getResults();
      if (machine_.Fails("processes", results.initError())) return;
      const std::size_t count = machine_.programs.size();
      auto list = results.initProcesses(static_cast<unsigned>(count));
      for (unsigned i = 0; i < count; ++i) {
        list[i].setPid(static_cast<int>(i) + 1);
        list[i].setUser(AsBytes("root"));
        list[i].setState(AsBytes("S"));
        list[i].setCpuMs(10 * (i + 1));
        list[i].setCommand(AsBytes(machine_.commands[i]));
        list[i].setExecId(i == 0 ? kj::str("main") : kj::str("exec-", i));
      }
      results.setTotal(static_cast<unsigned>(count));
    });
  }

  kj::Promise<void> statistics(StatisticsContext context) override {
    return machine_.Reach("statistics").then([this, context]() mutable {
      auto results = context.getResults();
      if (machine_.Fails("statistics", results.initError())) return;
      auto statistics = results.initStatistics();
      statistics.setCpuMs(1234);
      statistics.setMemoryBytes(1 << 20);
      statistics.setMemoryLimitBytes(4 << 20);
      statistics.setProcesses(static_cast<unsigned>(machine_.programs.size()));
      statistics.setWrittenBytes(machine_.written);
    });
  }

 private:
  void Start(StartContext context, bool is_main) {
    const auto params = context.getParams();
    const auto argv = ToStrings(params.getSpec().getArgv());
    auto results = context.getResults();
    if (machine_.Fails(is_main ? "start" : "exec", results.initError())) return;
    switch (LookUp(argv)) {
      case FakeLookup::kMissing:
        ToWire(Error(ErrorCode::kCommandNotFound, argv[0] + ": not found in PATH"),
               results.initError());
        return;
      case FakeLookup::kNotExecutable:
        ToWire(Error(ErrorCode::kCommandNotExecutable, argv[0] + ": permission denied"),
               results.initError());
        return;
      case FakeLookup::kFound:
        break;
    }
    if (!is_main && main_ended_) {
      ToWire(Error(ErrorCode::kWrongState, "main has ended"), results.initError());
      return;
    }
    std::optional<std::pair<int, int>> terminal;
    if (params.getSpec().hasTerminal()) {
      const auto size = params.getSpec().getTerminal();
      terminal = {size.getRows(), size.getColumns()};
    }
    auto program = kj::refcounted<FakeProgram>(argv, ToStrings(params.getSpec().getEnv()),
                                               machine_.disk, kQemuBoxDirFd, params.getStdout(),
                                               params.getStderr(), terminal);
    if (is_main) {
      main_end_ = program->WhenEnded()
                      .then([this](FakeExit&&) {
                        main_ended_ = true;
                        machine_.KillAll();  // its pid namespace ends with it
                      })
                      .eagerlyEvaluate(nullptr);
    }
    results.setPid(static_cast<int>(machine_.programs.size()) + 1);
    results.setProcess(kj::heap<ProcessService>(machine_, kj::addRef(*program)));
    machine_.programs.push_back(kj::mv(program));
    std::string command;
    for (const std::string& word : argv) command += (command.empty() ? "" : " ") + word;
    machine_.commands.push_back(command);
    if (machine_.script.lie.contains("garbage")) {
      const std::string noise(64, '\xff');
      static_cast<void>(!::write(kQemuAgentFd, noise.data(), noise.size()));
    }
  }

  kj::Promise<void> Flush(int left_ms) {
    constexpr int kSlice = 100;
    if (left_ms <= 0) return kj::READY_NOW;
    if (machine_.script.flush_progress) machine_.written += 4096;
    return machine_.timer.afterDelay(kSlice * kj::MILLISECONDS).then([this, left_ms]() {
      return Flush(left_ms - kSlice);
    });
  }

  Machine& machine_;
  bool main_ended_ = false;
  kj::Promise<void> main_end_ = nullptr;
  kj::Promise<void> power_off_ = nullptr;
};

// The engine's monitor; see vmm/fake_vmm.cc.
class Control {
 public:
  Control(Machine& machine, kj::AsyncIoStream& stream) : machine_(machine), stream_(stream) {}

  kj::Promise<void> Run() {
    return stream_.tryRead(&command_, 1, 1).then([this](std::size_t count) -> kj::Promise<void> {
      // An engine does not notice that its shim is gone; it has to be taken along.
      if (count == 0) return kj::NEVER_DONE;
      if (command_ == 'q') Trace(kQemuBoxDirFd, "quit");
      if (command_ == 'q' && !machine_.script.ignore_quit) ::_exit(0);
      if (command_ != 'w' || machine_.script.silent_control) return Run();
      return stream_.write(&machine_.written, sizeof machine_.written).then([this]() {
        return Run();
      });
    });
  }

 private:
  Machine& machine_;
  kj::AsyncIoStream& stream_;
  char command_ = 0;
};

class Greeter {
 public:
  explicit Greeter(kj::AsyncIoStream& port) : port_(port) {}

  kj::Promise<void> Run() {
    return port_.tryRead(buffer_, 1, sizeof buffer_)
        .then([this](std::size_t count) -> kj::Promise<void> {
          if (count == 0) return kj::NEVER_DONE;
          auto fed = scanner_.Feed({buffer_, count});
          KJ_REQUIRE(fed.ok());
          if (!fed->has_value()) return Run();
          KJ_REQUIRE((*fed)->consumed == count, "the shim spoke before the answer");
          ack_ = EncodeGreeting(GreetingKind::kAck, (*fed)->greeting);
          return port_.write(ack_.data(), ack_.size());
        });
  }

 private:
  kj::AsyncIoStream& port_;
  GreetingScanner scanner_{GreetingKind::kHello};
  std::uint8_t buffer_[4096];
  GreetingBytes ack_ = {};
};

// Somebody who carries the machine's lock and outlives the engine, as a stuck helper would.
void LeaveHelper() {
  const pid_t pid = ::fork();
  if (pid != 0) return;
  for (int fd = 0; fd < 64; ++fd) {
    if (fd != kQemuVmLockFd && fd != kQemuBoxDirFd) ::close(fd);
  }
  for (;;) ::pause();
}

int Main() {
  for (const int fd : {kQemuAgentFd, kQemuMonitorFd, kQemuVmLockFd, kQemuBoxDirFd}) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  auto io = kj::setupAsyncIo();
  Machine machine(io.provider->getTimer());
  const auto self = IdentityOf(::getpid());
  KJ_REQUIRE(self.ok());
  Trace(kQemuBoxDirFd,
        "engine " + std::to_string(self->pid) + " " + std::to_string(self->start_ticks));
  if (machine.script.die.contains("engine")) ::_exit(1);
  if (machine.script.helper) LeaveHelper();
  auto port = io.lowLevelProvider->wrapSocketFd(kQemuAgentFd);
  auto monitor = io.lowLevelProvider->wrapSocketFd(kQemuMonitorFd);
  Control control(machine, *monitor);
  auto controlling = control.Run().eagerlyEvaluate(nullptr);
  Greeter greeter(*port);
  machine.Reach("greeting").then([&]() { return greeter.Run(); }).wait(io.waitScope);
  capnp::TwoPartyVatNetwork network(*port, capnp::rpc::twoparty::Side::SERVER);
  auto rpc = capnp::makeRpcServer(network, wire::Agent::Client(kj::heap<AgentService>(machine)));
  kj::Promise<void>(kj::NEVER_DONE).wait(io.waitScope);
  return 0;
}

}  // namespace
}  // namespace boxlite::testing

int main() {
  try {
    return boxlite::testing::Main();
  } catch (const kj::Exception& exception) {
    std::fprintf(stderr, "fake_engine: %s\n", kj::str(exception).cStr());
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "fake_engine: %s\n", exception.what());
  }
  return 1;
}
