// exec_loop HOME BOX COUNT: runs /bin/true in the box COUNT times from inside one process, and
// prints the microseconds that each took, one a line. What bench.py measures an exec without a
// process start by.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string_view>

#include "boxlite/runtime/runtime.h"

namespace {

int Fail(const boxlite::Error& error) {
  std::fprintf(stderr, "exec_loop: %s\n", error.message().c_str());
  return 1;
}

int Loop(const char* home, const char* box, int count) {
  boxlite::Result<std::unique_ptr<boxlite::Runtime>> runtime =
      boxlite::Runtime::Open({.home = home});
  if (!runtime.ok()) return Fail(runtime.error());
  boxlite::Result<boxlite::BoxId> id = (*runtime)->Resolve(box);
  if (!id.ok()) return Fail(id.error());
  for (int i = 0; i < count; ++i) {
    boxlite::ExecOptions options;
    options.argv = {"/bin/true"};
    const auto begin = std::chrono::steady_clock::now();
    auto end = (*runtime)->Exec(*id, options);
    if (!end.ok()) return Fail(end.error());
    const auto took = std::chrono::steady_clock::now() - begin;
    std::printf("%lld\n", static_cast<long long>(
                              std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int count = 0;
  const std::string_view number = argc == 4 ? argv[3] : "";
  if (std::from_chars(number.data(), number.data() + number.size(), count).ec != std::errc()) {
    std::fprintf(stderr, "usage: exec_loop HOME BOX COUNT\n");
    return 2;
  }
  return Loop(argv[1], argv[2], count);
}
