#include "boxlite/cli/image_progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "boxlite/base/files.h"
#include "boxlite/base/printable_text.h"
#include "boxlite/cli/image_view.h"
#include "boxlite/cli/progress.h"
#include "boxlite/cli/units.h"

namespace boxlite::cli {
namespace {

constexpr std::chrono::milliseconds kStep{100};
constexpr unsigned kUsualColumns = 80;
constexpr unsigned kUsualRows = 24;
constexpr std::size_t kMaxText = 1000;  // what helpers say may come from an archive

winsize SizeOf(int fd) {
  winsize size = {};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    size.ws_col = kUsualColumns;
    size.ws_row = kUsualRows;
  }
  return size;
}

std::string NameOf(const ImageLayer& layer, std::size_t index) {
  if (layer.digest.starts_with("sha256:")) return ShortDigest(layer.digest);
  return "layer " + std::to_string(index + 1);
}

}  // namespace

std::string DescribeLayer(const LayerProgress& progress, std::size_t index, unsigned columns) {
  const std::string name = NameOf(progress.layer, index) + ": ";
  if (progress.done) {
    const std::uint64_t bytes = std::max(progress.layer.bytes, progress.bytes);
    return name + "done, " + BinarySize(bytes);
  }
  if (progress.bytes == 0) return name + "waiting";
  const unsigned room = columns > name.size() ? columns - static_cast<unsigned>(name.size()) : 1;
  return name +
         DescribeProgress(progress.bytes, progress.layer.bytes, std::chrono::milliseconds(0), room);
}

ImageProgress::ImageProgress(int fd, bool quiet)
    : fd_(fd), quiet_(quiet), is_terminal_(::isatty(fd) == 1) {}

void ImageProgress::Say(const std::string& line) {
  if (quiet_) return;
  Up();
  const std::string text = PrintableText(line.substr(0, kMaxText));
  static_cast<void>(WriteAll(fd_, (is_terminal_ ? "\x1b[K" : "") + text + "\n").ok());
  if (is_terminal_ && !layers_.empty()) Draw();
}

void ImageProgress::Up() {
  if (drawn_ == 0) return;
  static_cast<void>(WriteAll(fd_, "\x1b[" + std::to_string(drawn_) + "A\r").ok());
  drawn_ = 0;
}

void ImageProgress::Draw() {
  const winsize size = SizeOf(fd_);
  Up();
  // Of more than fit those that are done scroll away first.
  std::size_t first = 0;
  const std::size_t room = size.ws_row > 2 ? size.ws_row - 2U : 1;
  while (layers_.size() - first > room && layers_[first].done) ++first;
  const std::size_t end = std::min(layers_.size(), first + room);
  std::string text;
  for (std::size_t i = first; i < end; ++i) {
    text += DescribeLayer(layers_[i], i, size.ws_col) + "\x1b[K\n";
  }
  drawn_ = end - first;
  last_ = std::chrono::steady_clock::now();
  static_cast<void>(WriteAll(fd_, text).ok());
}

void ImageProgress::Take(const ImageEvent& event) {
  if (quiet_) return;
  switch (event.kind) {
    case ImageEventKind::kStatus:
      Say(event.text);
      break;
    case ImageEventKind::kLayers:
      Finish();
      for (const ImageLayer& layer : event.layers) layers_.push_back({layer, 0, false});
      if (is_terminal_) Draw();
      break;
    case ImageEventKind::kLayer: {
      if (event.index >= layers_.size()) break;
      LayerProgress& layer = layers_[event.index];
      const bool ends = event.done && !layer.done;
      layer.bytes = event.bytes;
      layer.done = layer.done || event.done;
      if (is_terminal_) {
        if (ends || std::chrono::steady_clock::now() - last_ >= kStep) Draw();
      } else if (ends) {
        Say(DescribeLayer(layer, event.index, kUsualColumns));
      }
      break;
    }
    case ImageEventKind::kImage:
    case ImageEventKind::kDone:
    case ImageEventKind::kFailed:
      Finish();
      break;
  }
}

void ImageProgress::Finish() {
  if (!quiet_ && is_terminal_ && !layers_.empty()) Draw();
  layers_.clear();
  drawn_ = 0;
}

}  // namespace boxlite::cli
