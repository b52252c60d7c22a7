// HttpServer: HTTP/1.1 over TCP or TLS on loopback, as a test scripts it: honest, slow or hostile.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "boxlite/base/fd.h"
#include "images/certificate.h"

struct ssl_ctx_st;
struct ssl_st;

namespace boxlite {

struct ServerRequest {
  std::string method;
  std::string target;                          // path and query, as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string path() const { return target.substr(0, target.find('?')); }
  std::string Header(const std::string& name) const;  // empty when there is none
};

// One connection, in a handler's hands.
class ServerConnection {
 public:
  ServerConnection(int fd, ssl_st* tls, const std::atomic<bool>& stopping)
      : fd_(fd), tls_(tls), stopping_(stopping) {}

  // False when the peer is gone.
  bool Send(std::string_view bytes);
  using Headers = std::vector<std::pair<std::string, std::string>>;
  // With Content-Length.
  void Respond(int status, std::string_view body = "", const Headers& headers = {});
  // The connection ends when the handler returns: by a reset, or after all that was sent.
  void CutAfterwards() { end_ = End::kReset; }
  void CloseAfterwards() { end_ = End::kClose; }
  enum class End { kNone, kClose, kReset };
  End end() const { return end_; }
  // Blocks until the peer has gone, or the server ends.
  void WaitForPeer();

  // As a proxy that was asked to CONNECT: passes bytes on until one side ends.
  void TunnelTo(int port);

  // At most `limit` bytes up to and with `end`; empty when the peer is gone.
  std::string ReadUntil(std::string_view end, std::size_t limit);
  std::string ReadExactly(std::size_t count);

 private:
  long ReadSome(char* room, std::size_t size);

  const int fd_;
  ssl_st* const tls_;
  const std::atomic<bool>& stopping_;
  End end_ = End::kNone;
  std::string ahead_;
};

class HttpServer {
 public:
  // Called on a thread of the connection's own, for each request on it.
  using Handler = std::function<void(const ServerRequest&, ServerConnection&)>;

  explicit HttpServer(Handler handler, const Certificate* certificate = nullptr);
  ~HttpServer();  // ends all connections
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const { return port_; }
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url() const { return (tls_ ? "https://" : "http://") + host(); }
  std::vector<ServerRequest> requests() const;  // until now, in order of their coming
  std::size_t Count(const std::string& path) const;
  // Whether `text` came anywhere in any request.
  bool Saw(const std::string& text) const;

 private:
  void Accept();
  void Serve(int fd);
  void ServeRequests(ServerConnection& connection);
  std::optional<ServerRequest> ReadRequest(ServerConnection& connection);

  struct FreeContext {
    void operator()(ssl_ctx_st* context) const;
  };

  const Handler handler_;
  std::unique_ptr<ssl_ctx_st, FreeContext> tls_;
  Fd listener_;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;
  std::vector<ServerRequest> requests_;
  std::string seen_;
  std::set<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace boxlite
