// How getting an image goes on: a line a layer that is drawn anew on a terminal; elsewhere one line
// a layer, when it is done.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "boxlite/runtime/image_helper.h"

namespace boxlite::cli {

struct LayerProgress {
  ImageLayer layer;
  std::uint64_t bytes = 0;
  bool done = false;
};

// "1f2e3d4c5b6a: [=====>   ] 52%  1.2 MiB of 2.3 MiB", within `columns`. Pure.
std::string DescribeLayer(const LayerProgress& progress, std::size_t index, unsigned columns);

class ImageProgress {
 public:
  // `quiet`: nothing is ever written.
  ImageProgress(int fd, bool quiet);
  ImageProgress(const ImageProgress&) = delete;
  ImageProgress& operator=(const ImageProgress&) = delete;
  ~ImageProgress() { Finish(); }

  void Take(const ImageEvent& event);
  ImageEventSink Sink() {
    return [this](const ImageEvent& event) { Take(event); };
  }
  // What was drawn last stays. To be called before anything else is said.
  void Finish();

 private:
  void Say(const std::string& line);
  void Draw();
  void Up();

  int fd_;
  bool quiet_;
  bool is_terminal_;
  std::vector<LayerProgress> layers_;
  std::size_t drawn_ = 0;  // lines above the cursor that are ours
  std::chrono::steady_clock::time_point last_;
};

}  // namespace boxlite::cli
