#include "images/docker_registry.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "boxlite/base/spawn.h"
#include "boxlite/oci/digest.h"

namespace boxlite {
namespace {

constexpr char kProgram[] = "/usr/bin/docker-registry";
constexpr char kSkopeo[] = "/usr/bin/skopeo";

// The port in "... listening on 127.0.0.1:12345 ..."; 0 until it was said.
int PortIn(std::string_view log) {
  constexpr std::string_view kSign = "listening on 127.0.0.1:";
  const std::size_t at = log.find(kSign);
  if (at == std::string_view::npos) return 0;
  const std::string_view number = log.substr(at + kSign.size());
  const std::size_t end = number.find_first_not_of("0123456789");
  return end == std::string_view::npos ? 0 : std::stoi(std::string(number.substr(0, end)));
}

void Write(const std::string& path, const std::string& content) {
  BOXLITE_CHECK(WriteFileAtomically(AT_FDCWD, path, content, Durability::kVolatile).ok());
}

std::string Blob(const std::string& layout, const std::string& content) {
  const Digest digest = Sha256::Of(content);
  Write(layout + "/blobs/sha256/" + digest.hex(), content);
  return "\"digest\":\"" + digest.text() + "\",\"size\":" + std::to_string(content.size());
}

}  // namespace

DockerRegistry::DockerRegistry(const DockerRegistrySetup& setup) {
  Write(directory_.Path("config.yml"),
        "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: " +
            directory_.Path("storage") + "\nhttp:\n  addr: 127.0.0.1:0\n  secret: tests\n" +
            setup.http + setup.rest);
  Result<FdPair> log = MakePipe();
  BOXLITE_CHECK(log.ok());
  SpawnRequest request;
  request.argv = {kProgram, "serve", directory_.Path("config.yml")};
  request.environment = {"PATH=/usr/bin:/bin", "HOME=" + directory_.path(),
                         "OTEL_TRACES_EXPORTER=none"};
  request.fds = {{log->second.get(), 1}, {log->second.get(), 2}};
  Result<pid_t> pid = Spawn(request);
  BOXLITE_CHECK(pid.ok());
  pid_ = *pid;
  log->second.Reset();
  log_ = std::move(log->first);
  std::string text;
  char room[4096];
  while (port_ == 0) {
    const ssize_t count = ::read(log_.get(), room, sizeof room);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) std::fprintf(stderr, "docker-registry does not start:\n%s", text.c_str());
    BOXLITE_CHECK(count > 0);
    text.append(room, static_cast<std::size_t>(count));
    port_ = PortIn(text);
  }
  // What it says further must not block it.
  reader_ = std::thread([fd = log_.get()] {
    char rest[4096];
    while (::read(fd, rest, sizeof rest) > 0) {
    }
  });
}

DockerRegistry::~DockerRegistry() {
  ::kill(pid_, SIGKILL);  // our own child, not yet reaped
  while (::waitpid(pid_, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  reader_.join();
}

Status DockerRegistry::Push(const std::string& layout, const std::string& name,
                            const std::vector<std::string>& options) {
  std::vector<std::string> command = {
      kSkopeo, "--insecure-policy", "--tmpdir", directory_.path(), "copy", "--quiet"};
  command.insert(command.end(), options.begin(), options.end());
  command.insert(command.end(), {"oci:" + layout, "docker://" + host() + "/" + name});
  const Result<std::string> pushed = RunProgram(command);
  return pushed.ok() ? Status() : Status(pushed.error());
}

std::string MakeLayout(const std::string& path, const std::vector<std::string>& layers) {
  for (const char* part : {"", "/blobs", "/blobs/sha256"}) {
    ::mkdir((path + part).c_str(), 0700);
  }
  std::string diff_ids;
  std::string list;
  for (const std::string& layer : layers) {
    const std::string comma = list.empty() ? "" : ",";
    diff_ids += comma + "\"" + Sha256::Of(layer).text() + "\"";
    list += comma + R"({"mediaType":"application/vnd.oci.image.layer.v1.tar",)" +
            Blob(path, layer) + "}";
  }
  const std::string config =
      R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[)" + diff_ids +
      "]}}";
  const std::string manifest =
      R"({"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json",)" +
      Blob(path, config) + R"(},"layers":[)" + list + "]}";
  const std::string index =
      R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",)" +
      Blob(path, manifest) + R"(,"annotations":{"org.opencontainers.image.ref.name":"1"}}]})";
  Write(path + "/index.json", index);
  Write(path + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  return manifest;
}

}  // namespace boxlite
