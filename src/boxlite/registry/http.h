// One HTTP request at a time, by libcurl, read at the reader's pace. Knows nothing of registries:
// no redirect is followed, no credential is known, nothing is tried twice.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "boxlite/oci/byte_source.h"
#include "boxlite/registry/client.h"
#include "boxlite/registry/url.h"

namespace boxlite {

struct TlsPolicy {
  bool skip_verify = false;
  std::string ca_file;  // empty: the system's authorities
};

struct HttpRequest {
  Url url;
  std::vector<std::string> headers;  // "Name: value"
  std::optional<std::string> form;   // then it is a POST of this
  TlsPolicy tls;
};

// Status and headers of the final answer.
struct HttpHead {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

  // The first of that name; nullopt when there is none.
  std::optional<std::string> Find(std::string_view name) const;
  std::vector<std::string> All(std::string_view name) const;
};

// One line of an answer's head, CRLF included or not: a status line begins the head anew (a proxy's
// or a preliminary answer came before), anything that is no header is passed over. Pure.
void TakeHeaderLine(std::string_view line, HttpHead& head);

// Handles of libcurl with their open connections, used again. Threads may share it.
class HttpPool {
 public:
  HttpPool();
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;
  HttpPool& operator=(const HttpPool&) = delete;

  struct Handles;
  std::unique_ptr<Handles> Take();
  void Return(std::unique_ptr<Handles> handles);

  const std::string& authorities() const { return authorities_; }  // $SSL_CERT_FILE

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handles>> idle_;
  std::string authorities_;
};

// Errors: kUnavailable (no connection, or it was cut) and kTimeout (none in time, or a body that
// stalls) may be gone at the next attempt. kPermissionDenied: a certificate that nobody vouches
// for. kUnsupported: no TLS there. kCorrupt: no HTTP.
class HttpTransfer : public ByteSource {
 public:
  // Blocks until the answer's headers are there.
  static Result<std::unique_ptr<HttpTransfer>> Open(std::shared_ptr<HttpPool> pool,
                                                    const HttpRequest& request,
                                                    const Patience& patience);
  ~HttpTransfer() override;

  const HttpHead& head() const { return head_; }
  // Buffers at most 256 KiB and what libcurl does.
  Result<std::size_t> Read(std::span<char> room) override;
  // The whole body; kCorrupt beyond `limit`, kTimeout after `in_all`.
  Result<std::string> ReadAll(std::size_t limit, std::chrono::milliseconds in_all);

 private:
  HttpTransfer(std::shared_ptr<HttpPool> pool, const HttpRequest& request, Patience patience);
  Status Prepare(const HttpRequest& request);
  Status WaitForHead();
  void Perform();
  Status Step();  // does what can be done, or waits once
  Status Stalled();
  Error Failure(int curl_code) const;
  std::size_t OnBody(std::string_view bytes);
  bool OnHeader(std::string_view line);

  const std::shared_ptr<HttpPool> pool_;
  const Url url_;
  const Patience patience_;
  std::unique_ptr<HttpPool::Handles> handles_;
  HttpHead head_;
  std::size_t head_bytes_ = 0;
  bool head_complete_ = false;
  bool done_ = false;
  bool paused_ = false;
  std::span<char> room_;  // of the Read() that runs
  std::size_t filled_ = 0;
  std::string buffer_;  // what came beyond it
  std::size_t taken_ = 0;
  // Since the last look at the speed: only time that was spent waiting for the peer counts.
  std::chrono::steady_clock::duration waited_{};
  std::uint64_t received_ = 0;
  std::string error_text_;
  std::optional<Error> failed_;  // told when all that came before was given
};

}  // namespace boxlite
