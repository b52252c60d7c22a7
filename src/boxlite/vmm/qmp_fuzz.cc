// What QEMU says on its control socket. Its guest may have taken it over.
#include <kj/async-io.h>
#include <kj/exception.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "boxlite/vmm/qmp_client.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxInput = 64 * 1024;

void Fuzz(std::string_view bytes) {
  if (bytes.size() > kMaxInput) return;
  static_cast<void>(ParseQmpMessage(bytes).ok());
  static_cast<void>(SumWrittenBytes(bytes));

  kj::EventLoop loop;
  kj::WaitScope scope(loop);
  kj::TwoWayPipe pipe = kj::newTwoWayPipe();
  QmpClient client(kj::mv(pipe.ends[0]));
  kj::Promise<void> first =
      client.Execute("query-blockstats").ignoreResult().catch_([](kj::Exception&&) {});
  kj::Promise<void> second = client.Execute("quit").ignoreResult().catch_([](kj::Exception&&) {});
  kj::Promise<void> draining =
      pipe.ends[1]->readAllBytes().ignoreResult().eagerlyEvaluate([](kj::Exception&&) {});
  kj::Promise<void> saying =
      pipe.ends[1]->write(bytes.data(), bytes.size()).eagerlyEvaluate([](kj::Exception&&) {});
  saying.poll(scope);
  first.poll(scope);
  second.poll(scope);
}

}  // namespace
}  // namespace boxlite

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  boxlite::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
