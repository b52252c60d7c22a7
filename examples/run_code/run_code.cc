// Runs code that is not trusted in a machine of its own, and prints what it said and how it ended:
//   run_code 'echo hello; id; uname -r'
#include <boxlite/runtime.h>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const std::string code = argc > 1 ? argv[1] : "echo hello from $(uname -sr)";

  boxlite::Result<boxlite::Runtime> runtime = boxlite::Runtime::Open();
  if (!runtime.ok()) {
    std::fprintf(stderr, "%s\n", runtime.error().message().c_str());
    return 1;
  }
  // Attached: it ends with this program, however that ends. remove_on_exit: and leaves nothing.
  boxlite::BoxOptions options;
  options.command = {"sleep", "1000"};
  options.remove_on_exit = true;
  boxlite::Result<boxlite::Box> box = runtime->Run(options, boxlite::Attachment::kAttached);
  if (!box.ok()) {
    std::fprintf(stderr, "%s\n", box.error().message().c_str());
    return 1;
  }
  // The program inside has ten seconds; the box's answer a little more.
  boxlite::ExecOptions program;
  program.argv = {"sh", "-c", code};
  program.time_limit = 10s;
  const auto ran = box->ExecAndCapture(program, 60s);
  if (!ran.ok()) {
    std::fprintf(stderr, "%s\n", ran.error().message().c_str());
    return 1;
  }
  std::fputs(ran->out.c_str(), stdout);
  std::fputs(ran->err.c_str(), stderr);
  std::printf("exit code %d%s\n", ran->result.exit.ShellCode(),
              ran->result.timed_out ? ", its time was over" : "");
  return box->Remove(boxlite::Box::Force::kYes).ok() ? 0 : 1;
}
