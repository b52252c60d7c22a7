#include "boxlite/registry/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "boxlite/base/interrupt.h"
#include "boxlite/base/printable_text.h"

namespace boxlite {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kBuffer = 256 * 1024;
constexpr long kCurlBuffer = 128 * 1024;
// All answers' heads of one request; a server that goes on and on is cut off.
constexpr std::size_t kMaxHead = 256 * 1024;
constexpr std::size_t kIdleHandles = 8;
constexpr milliseconds kLongestWait{1000};

constexpr char kAgent[] = "boxlite";

std::string EnvironmentOr(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

// A proxy can do nothing for these but fail, whatever the environment says.
bool IsLoopback(std::string_view host) {
  const std::string_view name =
      host.substr(0, host.starts_with('[') ? host.find(']') : host.rfind(':'));
  return name == "localhost" || name == "[::1" || name.ends_with(".localhost") ||
         (name.starts_with("127.") &&
          name.find_first_not_of("0123456789.") == std::string_view::npos);
}

// As curl chooses, and HTTP_PROXY in upper case too: Go's programs, docker's among them, read it.
// (Not where CGI does: there a client sets it by a header.)
std::optional<std::string> ProxyFor(const Url& url) {
  if (IsLoopback(url.host())) return "";
  if (url.is_https() || !EnvironmentOr("http_proxy").empty()) return std::nullopt;
  if (!EnvironmentOr("REQUEST_METHOD").empty()) return std::nullopt;
  std::string upper = EnvironmentOr("HTTP_PROXY");
  if (upper.empty()) return std::nullopt;
  return upper;
}

void InitialiseCurl() {
  static const bool kDone = [] {
    BOXLITE_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    return true;
  }();
  static_cast<void>(kDone);
}

}  // namespace

struct HttpPool::Handles {
  CURLM* multi = curl_multi_init();
  CURL* easy = curl_easy_init();
  curl_slist* headers = nullptr;
  std::array<char, CURL_ERROR_SIZE> error{};
  bool running = false;

  Handles() { BOXLITE_CHECK(multi != nullptr && easy != nullptr); }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    Stop();
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }

  void Stop() {
    if (running) curl_multi_remove_handle(multi, easy);
    running = false;
    curl_easy_reset(easy);
    curl_slist_free_all(headers);
    headers = nullptr;
    error = {};
  }
};

std::optional<std::string> HttpHead::Find(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return found == headers.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> HttpHead::All(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [key, value] : headers) {
    if (key == name) all.push_back(value);
  }
  return all;
}

void TakeHeaderLine(std::string_view line, HttpHead& head) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    head = HttpHead();
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return;
    for (const char c : line.substr(blank + 1, 3)) {
      if (c < '0' || c > '9') return;
      head.status = head.status * 10 + (c - '0');
    }
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return;
  std::string name(line.substr(0, colon));
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && is_blank(value.front())) value.remove_prefix(1);
  head.headers.emplace_back(std::move(name), value);
}

HttpPool::HttpPool() : authorities_(EnvironmentOr("SSL_CERT_FILE")) { InitialiseCurl(); }
HttpPool::~HttpPool() = default;

std::unique_ptr<HttpPool::Handles> HttpPool::Take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handles>();
  std::unique_ptr<Handles> handles = std::move(idle_.back());
  idle_.pop_back();
  return handles;
}

void HttpPool::Return(std::unique_ptr<Handles> handles) {
  handles->Stop();
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleHandles) idle_.push_back(std::move(handles));
}

HttpTransfer::HttpTransfer(std::shared_ptr<HttpPool> pool, const HttpRequest& request,
                           Patience patience)
    : pool_(std::move(pool)), url_(request.url), patience_(patience), handles_(pool_->Take()) {}

HttpTransfer::~HttpTransfer() {
  // The rest of a short answer that nobody wanted to read is mostly there already: then the
  // connection can be used again.
  if (handles_->running && head_complete_ && !done_ && !paused_) Perform();
  // Of a request that failed nothing is used again, neither connection nor handle.
  if (done_ && !failed_) pool_->Return(std::move(handles_));
}

Result<std::unique_ptr<HttpTransfer>> HttpTransfer::Open(std::shared_ptr<HttpPool> pool,
                                                         const HttpRequest& request,
                                                         const Patience& patience) {
  std::unique_ptr<HttpTransfer> transfer(new HttpTransfer(std::move(pool), request, patience));
  BOXLITE_RETURN_IF_ERROR(transfer->Prepare(request));
  BOXLITE_RETURN_IF_ERROR(transfer->WaitForHead());
  return transfer;
}

Status HttpTransfer::Prepare(const HttpRequest& request) {
  CURL* easy = handles_->easy;
  bool fine = true;
  const auto set = [&](CURLoption option, auto value) {
    fine = curl_easy_setopt(easy, option, value) == CURLE_OK && fine;
  };
  for (const std::string& header : request.headers) {
    curl_slist* longer = curl_slist_append(handles_->headers, header.c_str());
    if (longer == nullptr) return Error(ErrorCode::kResourceExhausted, "no memory for a request");
    handles_->headers = longer;
  }
  set(CURLOPT_URL, url_.text().c_str());
  set(CURLOPT_PROTOCOLS_STR, url_.is_https() ? "https" : "http");
  set(CURLOPT_HTTPHEADER, handles_->headers);
  // What is for the registry is not for a proxy before it.
  set(CURLOPT_HEADEROPT, long{CURLHEADER_SEPARATE});
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  // Redirects are followed where credentials are known, not here.
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_UNRESTRICTED_AUTH, 0L);
  set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, kAgent);
  // HTTP/1.1: a paused transfer then stops the peer by TCP alone, and buffers nothing of its own.
  set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(CURLOPT_BUFFERSIZE, kCurlBuffer);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(patience_.connect.count()));
  set(CURLOPT_ERRORBUFFER, handles_->error.data());
  set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(CURLOPT_SSL_VERIFYPEER, request.tls.skip_verify ? 0L : 1L);
  set(CURLOPT_SSL_VERIFYHOST, request.tls.skip_verify ? 0L : 2L);
  const std::string& authorities =
      request.tls.ca_file.empty() ? pool_->authorities() : request.tls.ca_file;
  if (!authorities.empty()) {
    set(CURLOPT_CAINFO, authorities.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (const std::optional<std::string> proxy = ProxyFor(url_)) set(CURLOPT_PROXY, proxy->c_str());
  if (request.form) {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.form->size()));
    set(CURLOPT_COPYPOSTFIELDS, request.form->c_str());
  }
  using Callback = std::size_t (*)(char*, std::size_t, std::size_t, void*);
  const Callback on_body = [](char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<HttpTransfer*>(self)->OnBody({bytes, count});
  };
  const Callback on_header = [](char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<HttpTransfer*>(self)->OnHeader({bytes, count}) ? count : 0;
  };
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  fine = fine && curl_multi_add_handle(handles_->multi, easy) == CURLM_OK;
  if (!fine) return Error(ErrorCode::kInternal, "libcurl refuses a request to " + url_.Shown());
  handles_->running = true;
  return {};
}

bool HttpTransfer::OnHeader(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > kMaxHead) {
    error_text_ = "its answer's headers have no end";
    return false;
  }
  received_ += line.size();
  if (head_complete_) return true;  // trailers
  const bool ends = line == "\r\n" || line == "\n";
  if (!ends) TakeHeaderLine(line, head_);
  head_complete_ = ends && head_.status >= 200;
  return true;
}

std::size_t HttpTransfer::OnBody(std::string_view bytes) {
  if (buffer_.size() - taken_ + bytes.size() > kBuffer) {
    paused_ = true;
    return CURL_WRITEFUNC_PAUSE;
  }
  received_ += bytes.size();
  std::size_t direct = 0;
  if (taken_ == buffer_.size()) {
    direct = std::min(bytes.size(), room_.size() - filled_);
    std::copy_n(bytes.data(), direct, room_.data() + filled_);
    filled_ += direct;
  }
  if (taken_ > 0) {
    buffer_.erase(0, taken_);
    taken_ = 0;
  }
  buffer_.append(bytes.substr(direct));
  return bytes.size();
}

Status HttpTransfer::WaitForHead() {
  const auto deadline = Clock::now() + patience_.small_request;
  while (!head_complete_) {
    if (failed_) return *failed_;
    if (done_) break;
    BOXLITE_RETURN_IF_ERROR(Step());
    if (!head_complete_ && Clock::now() > deadline) {
      return Error(ErrorCode::kTimeout, url_.host() + " does not answer");
    }
  }
  if (!head_complete_) return Error(ErrorCode::kCorrupt, url_.host() + " answers, but not in HTTP");
  return {};
}

Result<std::size_t> HttpTransfer::Read(std::span<char> room) {
  if (taken_ == buffer_.size()) {
    room_ = room;
    filled_ = 0;
    while (filled_ == 0 && taken_ == buffer_.size() && !done_) {
      if (Status stepped = Step(); !stepped.ok()) {
        room_ = {};
        return std::move(stepped).error();
      }
    }
    room_ = {};
    if (filled_ > 0) return std::exchange(filled_, 0);
    if (taken_ == buffer_.size() && failed_) return *failed_;
  }
  const std::size_t count = std::min(room.size(), buffer_.size() - taken_);
  std::copy_n(buffer_.data() + taken_, count, room.data());
  taken_ += count;
  return count;
}

Result<std::string> HttpTransfer::ReadAll(std::size_t limit, milliseconds in_all) {
  const auto deadline = Clock::now() + in_all;
  std::string body;
  std::array<char, 16384> room;
  for (;;) {
    BOXLITE_ASSIGN_OR_RETURN(const std::size_t count, Read(room));
    if (count == 0) return body;
    if (body.size() + count > limit) {
      return Error(ErrorCode::kCorrupt, "the answer of " + url_.Shown() + " has more than " +
                                            std::to_string(limit) + " bytes");
    }
    body.append(room.data(), count);
    if (Clock::now() > deadline) {
      return Error(ErrorCode::kTimeout, url_.Shown() + " takes too long for its answer");
    }
  }
}

void HttpTransfer::Perform() {
  int running = 0;
  if (const CURLMcode code = curl_multi_perform(handles_->multi, &running); code != CURLM_OK) {
    failed_ = Error(ErrorCode::kInternal, std::string("libcurl: ") + curl_multi_strerror(code));
    done_ = true;
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(handles_->multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    done_ = true;
    // What came before the failure is given first.
    if (message->data.result != CURLE_OK) failed_ = Failure(message->data.result);
  }
}

Status HttpTransfer::Step() {
  if (paused_) {
    paused_ = false;
    // May call OnBody() at once, which may pause again.
    if (const CURLcode code = curl_easy_pause(handles_->easy, CURLPAUSE_CONT); code != CURLE_OK) {
      return Failure(code);
    }
    if (filled_ > 0 || taken_ < buffer_.size()) return {};
  }
  const std::uint64_t before = received_;
  Perform();
  if (done_ || paused_ || received_ != before) return {};
  const int interrupt = CurrentInterrupt();
  curl_waitfd also = {interrupt, CURL_WAIT_POLLIN, 0};
  const auto begin = Clock::now();
  const auto longest = static_cast<int>(std::min(kLongestWait, patience_.stall).count());
  curl_multi_poll(handles_->multi, &also, interrupt >= 0 ? 1 : 0, longest, nullptr);
  if (Interrupted()) return InterruptedError();
  waited_ += Clock::now() - begin;
  return Stalled();
}

Status HttpTransfer::Stalled() {
  if (waited_ < patience_.stall) return {};
  const std::uint64_t received = std::exchange(received_, 0);
  waited_ = {};
  if (received >= patience_.least_bytes) return {};
  return Error(ErrorCode::kTimeout, url_.host() + " sent " + std::to_string(received) +
                                        " bytes in " +
                                        std::to_string(patience_.stall.count() / 1000) + " s");
}

Error HttpTransfer::Failure(int curl_code) const {
  const auto code = static_cast<CURLcode>(curl_code);
  std::string why = PrintableText(handles_->error.data());
  if (why.empty()) why = curl_easy_strerror(code);
  const std::string host = url_.host();
  if (!error_text_.empty()) return {ErrorCode::kCorrupt, host + ": " + error_text_};
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return {ErrorCode::kPermissionDenied,
              "nobody vouches for the certificate of " + host + " (" + why +
                  "): name its authority as ca_file in registries.json"};
    case CURLE_SSL_CACERT_BADFILE:
      return {ErrorCode::kInvalidArgument, "no authorities to believe " + host + " by (" + why +
                                               "): install ca-certificates, or name a ca_file"};
    case CURLE_SSL_CONNECT_ERROR:
      if (why.find("wrong version number") != std::string::npos ||
          why.find("packet length too long") != std::string::npos) {
        return {ErrorCode::kUnsupported,
                host + " speaks no TLS (" + why +
                    "): if plain http is right, say \"transport\": \"http\" in registries.json"};
      }
      return {ErrorCode::kUnavailable, "no TLS with " + host + ": " + why};
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::kTimeout, host + " does not answer: " + why};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return {ErrorCode::kCorrupt, host + " answers, but not in HTTP: " + why};
    case CURLE_OUT_OF_MEMORY:
      return {ErrorCode::kResourceExhausted, "no memory for the answer of " + host};
    default:
      return {ErrorCode::kUnavailable, host + ": " + why};
  }
}

}  // namespace boxlite
