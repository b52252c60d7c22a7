// QmpClient: QEMU's control socket (QMP), asynchronously. Only what a shim needs: greeting,
// commands, their answers; events are skipped.
#pragma once

#include <kj/async-io.h>

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "boxlite/base/result.h"

namespace boxlite {

// One line of QMP, understood.
struct QmpMessage {
  enum class Kind { kGreeting, kEvent, kReturn, kError };
  Kind kind = Kind::kEvent;
  std::string body;  // kReturn: the value as JSON; kError: its description
};
// kCorrupt for what is no QMP message. Never throws.
Result<QmpMessage> ParseQmpMessage(std::string_view line);

// The sum of bytes written over all devices of a query-blockstats answer; 0 for an answer it cannot
// read.
std::uint64_t SumWrittenBytes(std::string_view blockstats);

class QmpClient {
 public:
  // QEMU answers in single lines; a longer one is not QEMU's.
  static constexpr std::size_t kMaxLine = 1024 * 1024;

  explicit QmpClient(kj::Own<kj::AsyncIoStream> stream);

  // Sends a command without arguments and resolves with its answer's JSON. Commands are answered in
  // order. Rejects when QEMU refuses it or is gone.
  kj::Promise<std::string> Execute(std::string command);

 private:
  kj::Promise<void> ReadLoop();
  void TakeLine(std::string_view line);
  void FailAll(const kj::Exception& exception);

  kj::Own<kj::AsyncIoStream> stream_;
  std::string received_;
  char buffer_[4096];
  std::deque<kj::Own<kj::PromiseFulfiller<std::string>>> waiting_;
  kj::Maybe<kj::Exception> failed_;  // why nothing more will be answered
  kj::Promise<void> negotiated_ = kj::READY_NOW;
  kj::Promise<void> writing_;
  kj::Promise<void> reading_;  // last: uses all above
};

}  // namespace boxlite
