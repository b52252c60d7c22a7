#include "boxlite/cli/image_progress.h"

#include <unistd.h>

#include "boxlite/base/testing.h"

namespace boxlite::cli {
namespace {

using ::testing::HasSubstr;

const std::string kDigest =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

ImageEvent Layers() {
  ImageEvent event;
  event.kind = ImageEventKind::kLayers;
  event.layers = {{kDigest, 1000}, {"b/layer.tar", 0}};
  return event;
}

ImageEvent Layer(std::size_t index, std::uint64_t bytes, bool done) {
  ImageEvent event;
  event.kind = ImageEventKind::kLayer;
  event.index = index;
  event.bytes = bytes;
  event.done = done;
  return event;
}

// What is written when it is no terminal.
std::string Written(bool quiet, const std::vector<ImageEvent>& events) {
  Result<FdPair> pipe = MakePipe();
  BOXLITE_CHECK(pipe.ok());
  {
    ImageProgress progress(pipe->second.get(), quiet);
    for (const ImageEvent& event : events) progress.Take(event);
  }
  pipe->second.Reset();
  std::string text(64 * 1024, '\0');
  text.resize(static_cast<std::size_t>(::read(pipe->first.get(), text.data(), text.size())));
  return text;
}

TEST(ImageProgressTest, IsOneLineALayerWhereThereIsNoTerminal) {
  EXPECT_EQ(Written(false, {Layers(), Layer(0, 10, false), Layer(0, 1000, true),
                            Layer(0, 1000, true), Layer(1, 5, true), Layer(7, 5, true)}),
            "0123456789ab: done, 1000 B\nlayer 2: done, 5 B\n");
}

TEST(ImageProgressTest, IsNothingWhenItIsToBeQuiet) {
  EXPECT_EQ(Written(true, {Layers(), Layer(0, 1000, true)}), "");
}

TEST(ImageProgressTest, LetsNoControlCharacterOfAnArchiveReachTheTerminal) {
  ImageEvent event;
  event.text = "name \x1b[2J";
  const std::string text = Written(false, {event});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("name "));
}

TEST(DescribeLayerTest, TellsHowFarItIsWithinTheLine) {
  LayerProgress progress{{kDigest, 1000}, 0, false};
  EXPECT_EQ(DescribeLayer(progress, 0, 80), "0123456789ab: waiting");
  progress.bytes = 500;
  EXPECT_THAT(DescribeLayer(progress, 0, 80), HasSubstr("50%  500 B of 1000 B"));
  for (unsigned columns = 1; columns < 100; ++columns) {
    EXPECT_LE(DescribeLayer(progress, 0, columns).size(), std::max(columns, 14U)) << columns;
  }
}

}  // namespace
}  // namespace boxlite::cli
