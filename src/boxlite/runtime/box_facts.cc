#include "boxlite/runtime/box_facts.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>

#include "boxlite/base/files.h"
#include "boxlite/runtime/documents.h"
#include "boxlite/runtime/home.h"

namespace boxlite {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t ChangedNs(int dir_fd, const std::string& name) {
  struct stat info = {};
  if (::fstatat(dir_fd, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return static_cast<std::int64_t>(info.st_mtim.tv_sec) * kSecond + info.st_mtim.tv_nsec;
}

std::int64_t LastTraceNs(int box_fd, std::uint64_t number) {
  Result<Fd> life = OpenDirectory(box_fd, LifePath(number));
  if (!life.ok()) return 0;
  Result<std::vector<std::string>> entries = ListDirectory(life->get());
  std::int64_t last = 0;
  for (const std::string& entry : entries.ok() ? *entries : std::vector<std::string>()) {
    last = std::max(last, ChangedNs(life->get(), entry));
  }
  return last;
}

void ReadSpecInto(int box_fd, BoxFacts& facts) {
  Result<std::optional<std::string>> text = ReadFileIfExists(box_fd, kSpecFile, kMaxDocumentBytes);
  if (!text.ok() || !text->has_value()) return;
  Result<BoxSpec> spec = DecodeSpec(**text);
  if (!spec.ok()) return;
  facts.spec = std::move(*spec);
  facts.spec_changed_ns = ChangedNs(box_fd, kSpecFile);
}

Result<std::vector<std::uint64_t>> LivesBetween(int box_fd, std::uint64_t from, std::uint64_t end) {
  std::vector<std::uint64_t> numbers;
  Result<Fd> lives = OpenDirectory(box_fd, kLivesDir);
  if (!lives.ok()) {
    if (lives.error().code() == ErrorCode::kNotFound) return numbers;
    return std::move(lives).error();
  }
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::string> entries, ListDirectory(lives->get()));
  for (const std::string& entry : entries) {
    std::uint64_t number = 0;
    const char* last = entry.data() + entry.size();
    const auto [parsed, error] = std::from_chars(entry.data(), last, number);
    if (error == std::errc() && parsed == last && number >= from && number < end) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

Result<BoxLook> LookAtBox(int box_fd, std::uint64_t from, std::int64_t now_ns) {
  BoxLook look;
  BOXLITE_ASSIGN_OR_RETURN(look.evidence, ReadEvidence(box_fd));
  const Evidence& evidence = look.evidence;
  ReadSpecInto(box_fd, look.facts);
  const auto lost_ns = [&](std::uint64_t number) {
    return now_ns != 0 ? now_ns : LastTraceNs(box_fd, number);
  };
  BOXLITE_ASSIGN_OR_RETURN(std::vector<std::uint64_t> older,
                           LivesBetween(box_fd, from, evidence.life_number));
  for (const std::uint64_t number : older) {
    Result<LifeDocuments> documents = ReadLifeDocuments(box_fd, number);
    if (!documents.ok()) continue;  // archived meanwhile
    look.facts.lives.push_back({number, std::move(documents->record),
                                std::move(documents->main_exit), std::move(documents->outcome),
                                /*over=*/true, lost_ns(number)});
  }
  if (evidence.life_number > 0) {
    const bool over = evidence.shim_lock == LockState::kFree;
    look.facts.lives.push_back({evidence.life_number, evidence.record, evidence.main_exit,
                                evidence.outcome, over, over ? lost_ns(evidence.life_number) : 0});
  }
  return look;
}

}  // namespace boxlite
