// ExecStream: one output stream of an exec between the guest, which writes it, and at most one
// reader. With a reader nothing is lost: the guest waits. Without one the oldest bytes go and the
// program never waits. What a reader took stays in the ring while there is room, for the next one.
#pragma once

#include <kj/async.h>
#include <kj/function.h>

#include <cstdint>

#include "boxlite/shim/exec_ring.h"
#include "types.capnp.h"

namespace boxlite {

// Kept of each stream. A reader may be this far behind the program.
inline constexpr std::size_t kExecRingBytes = 1024 * 1024;

// The memory of all rings of a shim together.
class KeptBytes {
 public:
  // `make_room` drops what can be dropped until there is room or nothing is left to drop.
  KeptBytes(std::size_t limit, kj::Function<void()> make_room)
      : limit_(limit), make_room_(kj::mv(make_room)) {}

  std::size_t used() const { return used_; }
  bool over(std::size_t more) const { return used_ + more > limit_; }
  // Whether `more` fits, after making room for it if need be.
  bool MakeRoomFor(std::size_t more);
  std::size_t wanted() const { return wanted_; }  // while make_room runs: what must fit
  void Changed(std::size_t before, std::size_t after) { used_ = used_ - before + after; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
  std::size_t wanted_ = 0;
  kj::Function<void()> make_room_;
};

class ExecStream {
 public:
  explicit ExecStream(KeptBytes& kept, std::size_t ring_bytes = kExecRingBytes)
      : kept_(kept), ring_(ring_bytes) {}
  ~ExecStream() noexcept(false);
  ExecStream(const ExecStream&) = delete;
  ExecStream& operator=(const ExecStream&) = delete;

  std::uint64_t begin() const { return ring_.begin(); }
  std::uint64_t end() const { return ring_.end(); }
  bool closed() const { return closed_; }

  // Of the guest: resolves when there was room for `bytes`, which must live until then. Rejects
  // once the stream is closed: output of children that outlive their program is not wanted.
  kj::Promise<void> Take(kj::ArrayPtr<const kj::byte> bytes);
  // Nothing more will come.
  void Close();

  // `sink` gets everything from `offset` (begin() to end()) on, and end() when the stream is
  // closed. There must be no reader. The promise resolves when it has got all, or is gone itself;
  // it rejects when Release() came first.
  kj::Promise<void> Attach(std::uint64_t offset, wire::ByteSink::Client sink);
  void Release();
  bool has_reader() const { return reader_.get() != nullptr; }

  // Drops what nobody needs any more: all without a reader, else what the reader has taken.
  void DropHistory();

 private:
  struct Reader {
    explicit Reader(wire::ByteSink::Client s) : sink(kj::mv(s)) {}
    wire::ByteSink::Client sink;
    std::uint64_t taken = 0;  // offset behind the last byte that it has confirmed
    bool done = false;        // it has got all, or is gone
    kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> more;  // while it has all there is
    kj::Own<kj::PromiseFulfiller<void>> delivered;
    kj::Promise<void> pumping = nullptr;  // last: ends first
  };

  bool Reading() const { return reader_.get() != nullptr && !reader_->done; }
  bool MayAppend(std::size_t count);
  void Append(kj::ArrayPtr<const kj::byte> bytes);
  void LetGuestGoOn();
  kj::Promise<void> Pump(Reader& reader);
  kj::Promise<void> SendNext(Reader& reader);
  void Finish(Reader& reader);

  KeptBytes& kept_;
  ExecRing ring_;
  bool closed_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> guest_waits_;
  kj::Own<Reader> reader_;
};

// The guest's end of `stream`, which `owner` keeps alive.
template <typename Owner>
wire::ByteSink::Client NewStreamSink(kj::Own<Owner> owner, ExecStream& stream);

}  // namespace boxlite

#include "boxlite/shim/exec_stream_inl.h"
