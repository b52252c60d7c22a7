#include "boxlite/store/image_request.h"

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

TEST(ImageRequestTest, ArrivesAsItWasSent) {
  ImageRequest request;
  request.work = ImageWork::kLogin;
  request.names = {"a", "b"};
  request.host = "h:1";
  request.user = "u\xff";
  request.password = "p\n\xfe";
  request.config_file = "/odd\xff";
  request.anonymous = true;
  Result<ImageRequest> read = DecodeRequest(EncodeRequest(request));
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->work, ImageWork::kLogin);
  EXPECT_EQ(read->names, request.names);
  EXPECT_EQ(read->host, request.host);
  EXPECT_EQ(read->user, request.user);
  EXPECT_EQ(read->password, request.password);
  EXPECT_EQ(read->config_file, request.config_file);
  EXPECT_TRUE(read->anonymous);
}

TEST(ImageEventTest, IsOneLineAndArrivesAsItWasSent) {
  ImageEvent event;
  event.kind = ImageEventKind::kFailed;
  event.text = "two\nlines \xff";
  event.code = ErrorCode::kResourceExhausted;
  const std::string line = EncodeEvent(event);
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  Result<ImageEvent> read = DecodeEvent(line);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(read->kind, ImageEventKind::kFailed);
  EXPECT_EQ(read->text, "two\nlines \xef\xbf\xbd");
  EXPECT_EQ(read->code, ErrorCode::kResourceExhausted);
  event.kind = ImageEventKind::kLayers;
  event.layers = {{"sha256:x", 7}, {"", 0}};
  read = DecodeEvent(EncodeEvent(event));
  ASSERT_THAT(read, IsOk());
  ASSERT_EQ(read->layers.size(), 2u);
  EXPECT_EQ(read->layers[0].bytes, 7u);
}

TEST(ImageEventTest, OfWrongShapesIsCorrupt) {
  for (const char* text :
       {"", "{}", "7", R"({"event":"other"})", R"({"event":"layer","index":"x"})"}) {
    EXPECT_FALSE(DecodeEvent(text).ok()) << text;
  }
}

}  // namespace
}  // namespace boxlite
