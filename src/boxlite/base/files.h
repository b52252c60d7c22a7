// Small file operations relative to a directory descriptor: no absolute path is needed, so a home
// of any length and any bytes works.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/fd.h"
#include "boxlite/base/result.h"

namespace boxlite {

Result<Fd> OpenDirectory(int dir_fd, const std::string& name);  // follows no final symlink
Result<Fd> OpenDirectoryPath(const std::string& path);          // a user's path; follows symlinks

// The whole file. kCorrupt when it is larger than `limit` bytes: nothing of ours is that large, and
// what a stranger put there must not fill our memory. ReadFileIfExists: nullopt when it is absent.
Result<std::string> ReadFile(int dir_fd, const std::string& name, std::size_t limit);
Result<std::optional<std::string>> ReadFileIfExists(int dir_fd, const std::string& name,
                                                    std::size_t limit);

enum class Durability { kVolatile, kDurable };

// Replaces `name` in one rename (temporary file in the same directory, fsync of file and directory
// when durable). After an error the old content stands and no temporary file is left.
Status WriteFileAtomically(int dir_fd, const std::string& name, std::string_view content,
                           Durability durability);

// Like it, but fails with kAlreadyExists when `name` is there: for what is written only once.
Status WriteFileOnce(int dir_fd, const std::string& name, std::string_view content,
                     Durability durability);

Status WriteAll(int fd, std::string_view bytes);
Status SyncDirectory(int dir_fd);

// mkdir 0700; an existing directory is fine.
Status EnsureDirectory(int dir_fd, const std::string& name);

// The entries but "." and "..", unsorted. kResourceExhausted beyond `limit`.
Result<std::vector<std::string>> ListDirectory(int dir_fd, std::size_t limit = 1'000'000);
// The same of a directory that was opened for it: two calls of the kernel less.
Result<std::vector<std::string>> ListDirectory(Fd directory, std::size_t limit = 1'000'000);

// Removes `name` below dir_fd with all in it, following no symlink. An absent name is fine. After
// an error part of the tree may be gone.
Status RemoveTree(int dir_fd, const std::string& name);

// `bytes` of cryptographic randomness from the kernel, as lower-case hex.
std::string RandomHex(std::size_t bytes);

}  // namespace boxlite
