// A pool of boxes that work through a list of jobs, each box with a thread of ours. What one job
// breaks in its box does not reach the jobs in the other boxes.
//   worker_pool [BOXES [JOBS]]
#include <boxlite/runtime.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

// Takes jobs until there are none. One Runtime serves all threads; a Box is a value.
void Work(boxlite::Runtime& runtime, int jobs, std::atomic<int>& next, std::atomic<int>& failed) {
  boxlite::BoxOptions options;
  options.command = {"sleep", "100000"};
  options.remove_on_exit = true;
  boxlite::Result<boxlite::Box> box = runtime.Run(options, boxlite::Attachment::kAttached);
  if (!box.ok()) {
    std::fprintf(stderr, "%s\n", box.error().message().c_str());
    ++failed;
    return;
  }
  for (int job; (job = next++) < jobs;) {
    boxlite::ExecOptions program;
    program.argv = {"sh", "-c", "echo $((JOB * JOB))"};
    program.env = {{"JOB", std::to_string(job)}};
    const auto ran = box->ExecAndCapture(program, std::chrono::seconds(60));
    if (!ran.ok() || !ran->result.exit.ok() || std::atoi(ran->out.c_str()) != job * job) {
      std::fprintf(stderr, "job %d: %s\n", job,
                   ran.ok() ? ran->err.c_str() : ran.error().message().c_str());
      ++failed;
      continue;
    }
    std::printf("job %d in box %s: %s", job, box->id().c_str(), ran->out.c_str());
  }
  static_cast<void>(box->Remove(boxlite::Box::Force::kYes).ok());
}

}  // namespace

int main(int argc, char** argv) {
  const int boxes = argc > 1 ? std::atoi(argv[1]) : 2;
  const int jobs = argc > 2 ? std::atoi(argv[2]) : 10;
  boxlite::Result<boxlite::Runtime> runtime = boxlite::Runtime::Open();
  if (!runtime.ok()) {
    std::fprintf(stderr, "%s\n", runtime.error().message().c_str());
    return 1;
  }
  std::atomic<int> next = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < boxes; ++i) {
    threads.emplace_back([&] { Work(*runtime, jobs, next, failed); });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("%d jobs, %d failed\n", jobs, failed.load());
  return failed == 0 ? 0 : 1;
}
