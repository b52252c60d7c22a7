#include "boxlite/vmm/qmp_client.h"

#include <kj/debug.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

namespace boxlite {

using Json = nlohmann::json;

namespace {

// QEMU's deepest answer has some ten levels. A value is printed by recursion: without a limit, a
// QEMU that its guest has taken over could end the shim.
constexpr int kMaxDepth = 64;

Json ParseBounded(std::string_view text) {
  return Json::parse(text, [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) throw std::runtime_error("nested too deeply");
    return true;
  });
}

}  // namespace

Result<QmpMessage> ParseQmpMessage(std::string_view line) {
  try {
    const Json json = ParseBounded(line);
    if (!json.is_object()) return Error(ErrorCode::kCorrupt, "QMP: not an object");
    if (json.contains("QMP")) return QmpMessage{QmpMessage::Kind::kGreeting, ""};
    if (json.contains("event")) return QmpMessage{QmpMessage::Kind::kEvent, ""};
    if (json.contains("return")) {
      return QmpMessage{QmpMessage::Kind::kReturn,
                        json.at("return").dump(-1, ' ', false, Json::error_handler_t::replace)};
    }
    if (json.contains("error")) {
      return QmpMessage{QmpMessage::Kind::kError, json.at("error").value("desc", "no description")};
    }
    return Error(ErrorCode::kCorrupt, "QMP: a message of no known kind");
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kCorrupt, std::string("QMP: ") + exception.what());
  }
}

std::uint64_t SumWrittenBytes(std::string_view blockstats) {
  try {
    std::uint64_t sum = 0;
    for (const Json& device : ParseBounded(blockstats)) {
      const Json& written = device.at("stats").at("wr_bytes");
      if (written.is_number_unsigned()) sum += written.get<std::uint64_t>();
    }
    return sum;
  } catch (const std::exception&) {
    return 0;
  }
}

QmpClient::QmpClient(kj::Own<kj::AsyncIoStream> stream)
    : stream_(kj::mv(stream)), writing_(kj::READY_NOW), reading_(kj::READY_NOW) {
  // QEMU takes commands before its greeting was read, so nothing waits for it.
  reading_ = ReadLoop().eagerlyEvaluate([this](kj::Exception&& exception) { FailAll(exception); });
  negotiated_ = Execute("qmp_capabilities").ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
}

kj::Promise<std::string> QmpClient::Execute(std::string command) {
  KJ_IF_MAYBE (reason, failed_) return kj::cp(*reason);
  auto paf = kj::newPromiseAndFulfiller<std::string>();
  waiting_.push_back(kj::mv(paf.fulfiller));
  auto line = kj::str("{\"execute\":\"", command.c_str(), "\"}\n");
  auto write = [this, line = kj::mv(line)]() mutable {
    const char* text = line.begin();
    const std::size_t size = line.size();
    return stream_->write(text, size).attach(kj::mv(line));
  };
  writing_ = writing_.then(kj::mv(write)).eagerlyEvaluate([this](kj::Exception&& exception) {
    FailAll(exception);
  });
  return kj::mv(paf.promise);
}

kj::Promise<void> QmpClient::ReadLoop() {
  return stream_->tryRead(buffer_, 1, sizeof buffer_)
      .then([this](std::size_t count) -> kj::Promise<void> {
        if (count == 0) return KJ_EXCEPTION(DISCONNECTED, "QEMU closed its control socket");
        received_.append(buffer_, count);
        std::size_t begin = 0;
        for (std::size_t end; (end = received_.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
          TakeLine(std::string_view(received_).substr(begin, end - begin));
        }
        received_.erase(0, begin);
        KJ_REQUIRE(received_.size() <= kMaxLine, "QEMU's control socket: a line without an end");
        return ReadLoop();
      });
}

void QmpClient::TakeLine(std::string_view line) {
  Result<QmpMessage> message = ParseQmpMessage(line);
  KJ_REQUIRE(message.ok(), message.error().message().c_str());
  using Kind = QmpMessage::Kind;
  if (message->kind == Kind::kGreeting || message->kind == Kind::kEvent) return;
  KJ_REQUIRE(!waiting_.empty(), "QEMU's control socket: an answer to no command");
  auto fulfiller = kj::mv(waiting_.front());
  waiting_.pop_front();
  if (message->kind == Kind::kReturn) {
    fulfiller->fulfill(std::move(message->body));
  } else {
    fulfiller->reject(KJ_EXCEPTION(FAILED, "QEMU refused a command", message->body.c_str()));
  }
}

void QmpClient::FailAll(const kj::Exception& exception) {
  if (failed_ == nullptr) failed_ = kj::cp(exception);
  for (auto& fulfiller : std::exchange(waiting_, {})) fulfiller->reject(kj::cp(exception));
}

}  // namespace boxlite
