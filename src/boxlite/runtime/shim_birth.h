// What a shim is born with: its descriptors, and one message on its stdin. Nothing travels in argv
// or the environment, where other users could read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "boxlite/base/error_code.h"
#include "boxlite/base/result.h"
#include "boxlite/runtime/box_spec.h"
#include "boxlite/runtime/program_io.h"

namespace boxlite {

// Descriptor numbers in the new shim. 0: the birth message; 1: /dev/null; 2: the life's shim.log.
inline constexpr int kShimHomeFd = 3;      // the home's directory
inline constexpr int kShimBoxFd = 4;       // the box's directory
inline constexpr int kShimReportFd = 5;    // pipe: StartReport lines to the starter
inline constexpr int kShimVerbLockFd = 6;  // the starter's verb lock; closed when the record stands
inline constexpr int kShimLifeFd = 7;      // lives/.new-<life id>, prepared by the starter
inline constexpr int kShimBaseFd = 8;      // the directory of the image's base
inline constexpr int kShimKeepaliveFd = 9;  // attached lives: read end, ends with the creator
inline constexpr int kShimCreatorFd = 10;   // attached lives: pidfd of the creator
// With reader_comes: read end, ends when the starter reads main's output or never will.
inline constexpr int kShimReaderFd = 11;

inline constexpr std::uint32_t kShimProtocolVersion = 1;

// When main reads end-of-file. A terminal has no end: its programs see one when ^D is typed.
enum class MainInput {
  kEndsAtOnce,      // before main's first look
  kEndsWithClient,  // when a client that feeds it ends its own input; until then main waits
  kStaysOpen,       // never: client after client may feed it
};

// Who starts a life, as far as main's input is concerned.
enum class StartedBy {
  kAttachedClient,   // run in the foreground
  kFollowingClient,  // start -a: it stays for the output of a life that is not its own
  kNobody,           // run -d, start, a caller that comes to exec: main is not what it is there for
};

// The one rule of main's input:
//
//               | neither -i nor -t  | -i              | -t, -it
//   attached    | ends at once       | ends with client| stays open
//   following   | ends with client   | ends with client| stays open
//   nobody      | ends with client   | stays open      | stays open
//
// So `run IMAGE cat` returns, `echo x | run -i IMAGE cat` too; a shell that nobody talks to does
// not end by itself; and `run -di` takes input from one attach after the other.
MainInput MainInputFor(const BoxSpec& spec, StartedBy starter);

struct ShimBirth {
  BoxSpec spec;
  std::string life_id;
  bool attached = false;
  bool reader_comes = false;  // main's output is held until the starter reads it; kShimReaderFd
  MainInput main_input = MainInput::kEndsWithClient;
  TerminalSize terminal_size = {0, 0};  // of the starter's terminal; 0 x 0: unknown
  std::string engine_kind;              // "qemu" | "fake"
  std::string engine_program;
  std::string engine_build;           // key of the accelerator verdict
  std::string accelerator;            // "kvm" | "tcg"
  bool accelerator_demanded = false;  // --accel kvm: no fall-back to TCG
  std::uint64_t tsc_khz = 0;
  std::string kernel_path;
  std::string initramfs_path;
  std::string base_name;  // in kShimBaseFd
  std::uint32_t boot_deadline_ms = 0;
};

// One line each on the report pipe. An end of the pipe without kStarted or kFailed: the shim died.
enum class StartEvent { kRecorded, kStarted, kFailed };
struct StartReport {
  StartEvent event = StartEvent::kRecorded;
  ErrorCode code = ErrorCode::kInternal;  // kFailed
  std::string stage;                      // kFailed
  std::string message;                    // kFailed
};

// What the holder of a verb lock writes into the lock file, for others' messages. Believed only
// while the lock is held.
struct LockHolder {
  int pid = 0;
  std::string verb;
};

// magic "BXL1" | length (4, little endian) | FNV-1a 64 of the body (8, little endian) | body: tells
// an early end from a whole message. Not a defence against anybody: the pipe is private.
std::string FrameBirth(std::string_view body);
inline constexpr std::size_t kMaxBirthBytes = 16 * 1024 * 1024;
// Reads one from a descriptor to its end. kCorrupt: cut short or damaged.
Result<std::string> ReadFramedBirth(int fd);

}  // namespace boxlite
