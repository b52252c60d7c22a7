// look_tree ROOT: what the kernel shows of each entry of a tree, as one line of JSON each, on
// whichever machine it runs: fidelity.py has it say what a guest sees. Names and values are
// hexadecimal. Other filesystems mounted in the tree are named and not entered. It is linked
// statically: what it looks at need not have a library.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/oci/digest.h"

namespace {

using boxlite::Fd;
using boxlite::Sha256;

[[noreturn]] void Fail(const std::string& path) {
  std::perror(("look_tree: " + path).c_str());
  std::exit(1);
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex = "\"";
  for (const char byte : bytes) {
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return hex + '"';
}

std::string Xattrs(const std::string& path) {
  std::vector<char> names(64 * 1024);
  const ssize_t length = ::llistxattr(path.c_str(), names.data(), names.size());
  if (length < 0) Fail(path);
  std::string json;
  for (const char* name = names.data(); name < names.data() + length;
       name += std::string_view(name).size() + 1) {
    std::vector<char> value(64 * 1024);
    const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    if (size < 0) Fail(path);
    if (!json.empty()) json += ",";
    json += Hex(name) + ":" + Hex({value.data(), static_cast<std::size_t>(size)});
  }
  return "{" + json + "}";
}

std::string Content(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) Fail(path);
  Sha256 sum;
  std::vector<char> buffer(256 * 1024);
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0) Fail(path);
    if (count == 0) return sum.Finish().hex();
    sum.Update({buffer.data(), static_cast<std::size_t>(count)});
  }
}

std::string Target(const std::string& path) {
  std::vector<char> target(PATH_MAX);
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) Fail(path);
  return {target.data(), static_cast<std::size_t>(length)};
}

struct stat Look(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) Fail(path);
  return info;
}

void Print(std::string_view name, const std::string& path, const struct stat& info) {
  std::printf(
      R"({"path":%s,"inode":%llu,"mode":%u,"uid":%u,"gid":%u,"nlink":%llu,"mtime":[%lld,%ld],)"
      R"("xattrs":%s)",
      Hex(name).c_str(), static_cast<unsigned long long>(info.st_ino), info.st_mode, info.st_uid,
      info.st_gid, static_cast<unsigned long long>(info.st_nlink),
      static_cast<long long>(info.st_mtim.tv_sec), info.st_mtim.tv_nsec, Xattrs(path).c_str());
  if (S_ISREG(info.st_mode)) {
    std::printf(R"(,"size":%lld,"content":"%s")", static_cast<long long>(info.st_size),
                Content(path).c_str());
  } else if (S_ISLNK(info.st_mode)) {
    std::printf(R"(,"target":%s)", Hex(Target(path)).c_str());
  } else if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
    std::printf(R"(,"device":%llu)", static_cast<unsigned long long>(info.st_rdev));
  }
  std::puts("}");
}

std::vector<std::string> Names(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) Fail(path);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  return names;
}

void LookAtTree(const std::string& root) {
  const dev_t device = Look(root).st_dev;
  std::vector<std::string> pending{""};
  while (!pending.empty()) {
    const std::string name = std::move(pending.back());
    pending.pop_back();
    const std::string path = name.empty() ? root : root + "/" + name;
    const struct stat info = Look(path);
    if (info.st_dev != device) {
      std::printf("{\"path\":%s,\"mounted\":true}\n", Hex(name).c_str());
      continue;
    }
    Print(name, path, info);
    if (!S_ISDIR(info.st_mode)) continue;
    for (const std::string& child : Names(path)) {
      pending.push_back(name.empty() ? child : name + "/" + child);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: look_tree ROOT\n");
    return 2;
  }
  LookAtTree(argv[1]);
  return std::fflush(stdout) == 0 ? 0 : 1;
}
