#include "testing/fake_script.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "boxlite/base/files.h"
#include "boxlite/runtime/home.h"

namespace boxlite::testing {
namespace {

constexpr std::size_t kLimit = 64 * 1024 * 1024;

}  // namespace

FakeScript ReadFakeScript(int box_dir_fd) {
  FakeScript script;
  Result<std::optional<std::string>> text = ReadFileIfExists(box_dir_fd, "fake.json", kLimit);
  if (!text.ok() || !text->has_value()) return script;
  const auto json = nlohmann::json::parse(**text);
  const auto slow = json.value("slow", nlohmann::json::object());
  for (const auto& [step, ms] : slow.items()) {
    script.slow_ms[step] = ms.get<int>();
  }
  const auto none = nlohmann::json::array();
  for (const auto& step : json.value("silent", none)) script.silent.insert(step);
  for (const auto& step : json.value("die", none)) script.die.insert(step);
  for (const auto& lie : json.value("lie", none)) script.lie.insert(lie);
  const auto errors = json.value("error", nlohmann::json::object());
  for (const auto& [step, words] : errors.items()) {
    script.error[step] = words.get<std::string>();
  }
  script.ignore_quit = json.value("ignore_quit", false);
  script.silent_control = json.value("silent_control", false);
  script.helper = json.value("helper", false);
  if (json.contains("flush")) {
    script.flush_ms = json["flush"].value("ms", 0);
    script.flush_progress = json["flush"].value("progress", false);
  }
  return script;
}

void Trace(int box_dir_fd, const std::string& line) {
  Fd log(::openat(box_dir_fd, "engine.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  // A box whose directory was deleted has nobody left to read it.
  if (log.valid()) static_cast<void>(WriteAll(log.get(), line + "\n").ok());
}

void FakeDisk::Load() {
  Result<std::string> text = ReadFile(box_dir_fd_, kDiskFile, kLimit);
  if (!text.ok() || text->empty()) return;
  cached_ = nlohmann::json::parse(*text).get<std::map<std::string, std::string>>();
}

std::string FakeDisk::Read(const std::string& key) const {
  const auto found = cached_.find(key);
  return found == cached_.end() ? "" : found->second;
}

void FakeDisk::Flush() {
  const std::string text = nlohmann::json(cached_).dump();
  static_cast<void>(WriteFileAtomically(box_dir_fd_, kDiskFile, text, Durability::kDurable).ok());
}

}  // namespace boxlite::testing
