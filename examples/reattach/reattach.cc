// A program whose work outlives it. The first run starts a detached box and a counter in it, reads
// for a while and is then killed, by itself and without warning. The second run finds both by the
// box's name, goes on reading at the byte where the first one stopped, and takes the box away.
//   reattach start FILE     FILE: where it keeps what it has to know
//   reattach resume FILE
#include <boxlite/runtime.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <future>
#include <iostream>

namespace {

constexpr char kName[] = "boxlite-example-reattach";

int Fail(const boxlite::Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

int Start(boxlite::Runtime& runtime, const char* file) {
  boxlite::BoxOptions options;
  options.name = kName;
  options.command = {"sleep", "1000"};
  boxlite::Result<boxlite::Box> box = runtime.Run(options);  // detached
  if (!box.ok()) return Fail(box.error());

  std::uint64_t read = 0;
  std::promise<void> enough;
  boxlite::ExecOptions program;
  program.argv = {"sh", "-c",
                  "i=0; while [ $i -lt 20 ]; do echo line $i; i=$((i+1)); sleep 0.2; done"};
  program.on_stdout = [&](std::string_view bytes) {
    std::cout << bytes << std::flush;
    const bool was_enough = read >= 30;
    read += bytes.size();
    // What it must not forget, before anything may happen to it: where it is.
    std::ofstream(file, std::ios::app) << read << '\n';
    if (!was_enough && read >= 30) enough.set_value();
  };
  boxlite::Result<boxlite::Execution> counter = box->Exec(program);
  if (!counter.ok()) return Fail(counter.error());
  std::ofstream(std::string(file) + ".id") << counter->id();
  enough.get_future().wait();
  std::raise(SIGKILL);
  return 1;
}

int Resume(boxlite::Runtime& runtime, const char* file) {
  boxlite::Result<boxlite::Box> box = runtime.Find(kName);
  if (!box.ok()) return Fail(box.error());
  std::string id;
  std::ifstream(std::string(file) + ".id") >> id;
  boxlite::ReattachOptions options;
  std::ifstream offsets(file);
  for (std::uint64_t offset; offsets >> offset;) options.stdout_from = offset;
  options.on_stdout = [](std::string_view bytes) { std::cout << bytes << std::flush; };
  boxlite::Result<boxlite::Execution> counter = box->Reattach(id, options);
  if (!counter.ok()) return Fail(counter.error());
  if (counter->stdout_begin() > options.stdout_from) std::cout << "(some output is gone)\n";
  const auto end = counter->Wait(std::chrono::seconds(120));
  if (!end.ok()) return Fail(end.error());
  std::printf("it ended with %d\n", end->exit.ShellCode());
  const boxlite::Status removed = box->Remove(boxlite::Box::Force::kYes);
  return removed.ok() ? end->exit.ShellCode() : Fail(removed.error());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "reattach start|resume FILE\n");
    return 2;
  }
  boxlite::Result<boxlite::Runtime> runtime = boxlite::Runtime::Open();
  if (!runtime.ok()) return Fail(runtime.error());
  return argv[1] == std::string("start") ? Start(*runtime, argv[2]) : Resume(*runtime, argv[2]);
}
