// What the programs of this directory share: each is an embedder of libboxlite.so that sees its
// installed headers only, does one thing that embedders do, and ends with 0 when all was well.
#pragma once

#include <boxlite/runtime.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

// Says which check failed, and where, and ends the program.
#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      std::fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                  \
    }                                                                                \
  } while (false)

// The value of a result that must be one.
template <typename T>
T Must(boxlite::Result<T> result, const char* what) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "%s: %s\n", what, result.error().message().c_str());
  std::exit(1);
}
inline void Must(const boxlite::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.error().message().c_str());
  std::exit(1);
}
#define MUST(expression) Must(expression, #expression)

inline boxlite::BoxOptions Options(std::vector<std::string> command = {"sleep-forever"}) {
  boxlite::BoxOptions options;
  options.image = "boxlite/test";
  options.command = std::move(command);
  return options;
}

inline boxlite::ExecOptions Program(std::vector<std::string> argv) {
  boxlite::ExecOptions options;
  options.argv = std::move(argv);
  return options;
}
