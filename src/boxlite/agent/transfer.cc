#include "boxlite/agent/transfer.h"

#include <limits.h>

#include <algorithm>

#include <memory>

#include "boxlite/agent/program_child.h"
#include "boxlite/rpc/error_mapping.h"

namespace boxlite {
namespace {

constexpr std::size_t kCountBytes = 8;

// Keeps what the process says at its end; more than a report it never says.
class ReportSink final : public wire::ByteSink::Server {
 public:
  explicit ReportSink(std::shared_ptr<std::string> report) : report_(std::move(report)) {}
  kj::Promise<void> write(WriteContext context) override {
    const std::string_view bytes = AsText(context.getParams().getBytes());
    if (report_)
      report_->append(bytes.substr(0, PIPE_BUF - std::min<std::size_t>(report_->size(), PIPE_BUF)));
    return kj::READY_NOW;
  }
  kj::Promise<void> end(EndContext) override { return kj::READY_NOW; }

 private:
  std::shared_ptr<std::string> report_;  // null: nothing is expected
};

class TransferService final : public wire::Process::Server {
 public:
  TransferService(kj::Own<Program> program, std::shared_ptr<std::string> report)
      : program_(kj::mv(program)), report_(std::move(report)) {}
  ~TransferService() noexcept(false) {
    if (!program_->ended()) program_->Kill();
  }

  kj::Promise<void> wait(WaitContext context) override {
    // Whoever lost interest must not keep this object.
    context.allowCancellation();
    return program_->Wait().then([context](ProgramExit exit) mutable {
      auto out = context.getResults().initExit();
      if (exit.by_signal) {
        out.setSignal(exit.number);
      } else {
        out.setCode(exit.number);
      }
    });
  }
  kj::Promise<void> stdin(StdinContext context) override {
    context.getResults().setSink(program_->input());
    return kj::READY_NOW;
  }
  kj::Promise<void> kill(KillContext) override {
    program_->Kill();
    return kj::READY_NOW;
  }
  kj::Promise<void> transferResult(TransferResultContext context) override {
    const TransferReport report = DecodeReport(*report_);
    auto results = context.getResults();
    if (!report.status.ok()) ToWire(report.status, results.initError());
    results.setSkipped(report.skipped);
    return kj::READY_NOW;
  }

 private:
  kj::Own<Program> program_;
  std::shared_ptr<std::string> report_;
};

}  // namespace

std::string EncodeReport(const TransferReport& report) {
  std::string bytes;
  for (std::size_t i = 0; i < kCountBytes; ++i) {
    bytes.push_back(static_cast<char>((report.skipped >> (8 * i)) & 0xff));
  }
  if (report.status.ok()) return bytes;
  return (bytes + EncodeFailure(report.status.error())).substr(0, PIPE_BUF);
}

TransferReport DecodeReport(std::string_view bytes) {
  if (bytes.size() < kCountBytes) {
    return {Error(ErrorCode::kUnavailable, "the copying process in the box was ended"), 0};
  }
  TransferReport report;
  for (std::size_t i = 0; i < kCountBytes; ++i) {
    report.skipped |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  bytes.remove_prefix(kCountBytes);
  if (!bytes.empty()) report.status = DecodeFailure(bytes);
  return report;
}

wire::Process::Client NewTransferService(kj::Own<Program> program,
                                         kj::Maybe<wire::ByteSink::Client> sink) {
  auto report = std::make_shared<std::string>();
  wire::ByteSink::Client output = kj::heap<ReportSink>(nullptr);
  KJ_IF_MAYBE (wanted, sink) {
    output = *wanted;
  }
  program->Connect(kj::mv(output), kj::heap<ReportSink>(report));
  return kj::heap<TransferService>(kj::mv(program), std::move(report));
}

}  // namespace boxlite
