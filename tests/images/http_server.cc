#include "images/http_server.h"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>

#include "boxlite/base/result.h"

namespace boxlite {
namespace {

constexpr std::size_t kMaxHead = 1024 * 1024;

void Reset(int fd) {
  const linger at_once = {1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

std::string ServerRequest::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

bool ServerConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const long count = tls_ != nullptr
                           ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void ServerConnection::Respond(int status, std::string_view body, const Headers& headers) {
  std::string answer = "HTTP/1.1 " + std::to_string(status) + " Said\r\n";
  for (const auto& [name, value] : headers) answer += name + ": " + value + "\r\n";
  answer += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  answer += body;
  Send(answer);
}

void ServerConnection::WaitForPeer() {
  char byte;
  while (!stopping_ && ReadSome(&byte, 1) > 0) {
  }
}

void ServerConnection::TunnelTo(int port) {
  BOXLITE_CHECK(tls_ == nullptr);
  const Fd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(other.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  char room[16384];
  for (const int ends[2] = {fd_, other.get()};;) {
    pollfd pollers[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
    if (::poll(pollers, 2, -1) < 0) return;
    for (const int from : {0, 1}) {
      if (pollers[from].revents == 0) continue;
      const long count = ::recv(ends[from], room, sizeof room, 0);
      if (count <= 0 ||
          ::send(ends[1 - from], room, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) {
        return;
      }
    }
  }
}

long ServerConnection::ReadSome(char* room, std::size_t size) {
  if (tls_ != nullptr) return SSL_read(tls_, room, static_cast<int>(size));
  long count;
  do {
    count = ::recv(fd_, room, size, 0);
  } while (count < 0 && errno == EINTR);
  return count;
}

std::string ServerConnection::ReadUntil(std::string_view end, std::size_t limit) {
  char room[4096];
  for (;;) {
    const std::size_t found = ahead_.find(end);
    if (found != std::string::npos) {
      std::string text = ahead_.substr(0, found + end.size());
      ahead_.erase(0, text.size());
      return text;
    }
    const long count = ahead_.size() > limit ? 0 : ReadSome(room, sizeof room);
    if (count <= 0) return "";
    // TLS to one that has none: as other servers do.
    if (ahead_.empty() && room[0] == '\x16') {
      Send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
      return "";
    }
    ahead_.append(room, static_cast<std::size_t>(count));
  }
}

std::string ServerConnection::ReadExactly(std::size_t count) {
  char room[4096];
  while (ahead_.size() < count) {
    const long more = ReadSome(room, sizeof room);
    if (more <= 0) break;
    ahead_.append(room, static_cast<std::size_t>(more));
  }
  std::string text = ahead_.substr(0, count);
  ahead_.erase(0, text.size());
  return text;
}

void HttpServer::FreeContext::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

HttpServer::HttpServer(Handler handler, const Certificate* certificate)
    : handler_(std::move(handler)) {
  if (certificate != nullptr) {
    tls_.reset(SSL_CTX_new(TLS_server_method()));
    BOXLITE_CHECK(SSL_CTX_use_certificate_chain_file(tls_.get(),
                                                     certificate->certificate_path().c_str()) == 1);
    BOXLITE_CHECK(SSL_CTX_use_PrivateKey_file(tls_.get(), certificate->key_path().c_str(),
                                              SSL_FILETYPE_PEM) == 1);
  }
  listener_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  BOXLITE_CHECK(::bind(listener_.get(), generic, sizeof address) == 0);
  BOXLITE_CHECK(::listen(listener_.get(), 64) == 0);
  socklen_t size = sizeof address;
  BOXLITE_CHECK(::getsockname(listener_.get(), generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpServer::~HttpServer() {
  stopping_ = true;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
}

void HttpServer::Accept() {
  for (;;) {
    const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0 && errno == EINTR) continue;
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    open_.insert(fd);
    threads_.emplace_back([this, fd] { Serve(fd); });
  }
}

void HttpServer::Serve(int fd) {
  // OpenSSL writes to sockets whose peer is gone. Of this thread only: what is tested must not
  // depend on it.
  sigset_t pipe;
  ::sigemptyset(&pipe);
  ::sigaddset(&pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
  SSL* const tls = tls_ ? SSL_new(tls_.get()) : nullptr;
  ServerConnection connection(fd, tls, stopping_);
  if (tls != nullptr) SSL_set_fd(tls, fd);
  if (tls == nullptr || SSL_accept(tls) == 1) ServeRequests(connection);
  if (connection.end() == ServerConnection::End::kReset) {
    Reset(fd);
  } else if (tls != nullptr) {
    SSL_shutdown(tls);
  }
  SSL_free(tls);
  const std::lock_guard lock(mutex_);
  open_.erase(fd);
  ::close(fd);
}

void HttpServer::ServeRequests(ServerConnection& connection) {
  while (!stopping_ && connection.end() == ServerConnection::End::kNone) {
    const std::optional<ServerRequest> request = ReadRequest(connection);
    if (!request) return;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(*request);
    }
    handler_(*request, connection);
  }
}

std::optional<ServerRequest> HttpServer::ReadRequest(ServerConnection& connection) {
  const std::string head = connection.ReadUntil("\r\n\r\n", kMaxHead);
  if (head.empty()) return std::nullopt;
  ServerRequest request;
  const std::size_t line = head.find("\r\n");
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  if (first > line || second > line) return std::nullopt;
  request.method = head.substr(0, first);
  request.target = head.substr(first + 1, second - first - 1);
  for (std::size_t at = line + 2; at + 2 < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::size_t colon = head.find(':', at);
    if (colon > end) return std::nullopt;
    std::string name = head.substr(at, colon - at);
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::size_t value = head.find_first_not_of(' ', colon + 1);
    request.headers[name] = head.substr(value, end - value);
    at = end + 2;
  }
  if (const std::string length = request.Header("content-length"); !length.empty()) {
    request.body = connection.ReadExactly(std::stoul(length));
  }
  const std::lock_guard lock(mutex_);
  seen_ += head + request.body;
  return request;
}

std::vector<ServerRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t HttpServer::Count(const std::string& path) const {
  const std::vector<ServerRequest> all = requests();
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [&](const ServerRequest& r) { return r.path() == path; }));
}

bool HttpServer::Saw(const std::string& text) const {
  const std::lock_guard lock(mutex_);
  return seen_.find(text) != std::string::npos;
}

}  // namespace boxlite
