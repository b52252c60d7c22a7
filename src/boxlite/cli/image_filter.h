// --filter KIND=VALUE of images, and the name behind the verb. Pure but for what before and since
// name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/cli/image_view.h"

namespace boxlite::cli {

class ImageFilter {
 public:
  // dangling=true|false, reference=PATTERN, label=KEY[=VALUE], label!=KEY[=VALUE], until=TIME.
  static Result<ImageFilter> Parse(const std::vector<std::string>& words, std::int64_t now_ns);

  // REPOSITORY[:TAG], where * stands for anything but '/'.
  void AddReference(const std::string& pattern) { references_.push_back(pattern); }

  bool Matches(const ImageRow& row) const;
  // The same of an image by itself, for what removes it: references are asked of all its names.
  bool Matches(const ImageEntry& entry) const;

 private:
  bool MatchesImage(const ImageEntry& entry) const;
  bool MatchesName(const std::string& repository, const std::string& tag) const;

  struct Label {
    std::string key;
    std::optional<std::string> value;
    bool negated = false;
  };
  std::optional<bool> dangling_;
  std::vector<std::string> references_;
  std::vector<Label> labels_;
  std::optional<std::int64_t> until_ns_;
};

}  // namespace boxlite::cli
