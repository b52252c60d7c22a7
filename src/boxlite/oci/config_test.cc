#include "boxlite/oci/config.h"

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kLayer = "sha256:" + std::string(64, 'a');

std::string With(const std::string& program, const std::string& rootfs = "[]") {
  return R"({"os":"linux","architecture":"amd64","config":)" + program +
         R"(,"rootfs":{"type":"layers","diff_ids":)" + rootfs + "}}";
}

TEST(ImageConfigTest, GivesWhatProgramsGet) {
  Result<ImageConfig> config = ParseConfig(
      With(R"({"Env":["A=1","B=x=y"],"Entrypoint":["/e"],"Cmd":["c","d"],"WorkingDir":"/w",
               "User":"u:g","StopSignal":"SIGINT","Volumes":{"/v":{}},
               "ExposedPorts":{"80/tcp":{}},"Labels":{"k":"v"}})",
           "[\"" + kLayer + "\"]"));
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->env, ElementsAre("A=1", "B=x=y"));
  EXPECT_THAT(config->entrypoint, ElementsAre("/e"));
  EXPECT_THAT(config->command, ElementsAre("c", "d"));
  EXPECT_EQ(config->working_dir, "/w");
  EXPECT_EQ(config->user, "u:g");
  EXPECT_EQ(config->stop_signal, "SIGINT");
  EXPECT_THAT(config->volumes, ElementsAre("/v"));
  EXPECT_THAT(config->exposed_ports, ElementsAre("80/tcp"));
  EXPECT_EQ(config->labels.at("k"), "v");
  ASSERT_EQ(config->diff_ids.size(), 1u);
  EXPECT_EQ(config->diff_ids[0].text(), kLayer);
}

TEST(ImageConfigTest, TakesNullForAbsentAsOtherToolsWriteIt) {
  Result<ImageConfig> config = ParseConfig(With(
      R"({"Env":null,"Cmd":null,"Entrypoint":null,"Volumes":null,"Labels":null,"User":null})"));
  ASSERT_THAT(config, IsOk());
  EXPECT_THAT(config->command, IsEmpty());
  EXPECT_THAT(ParseConfig(With("null")), IsOk());
}

TEST(ImageConfigTest, SurvivesWritingAndReading) {
  Result<ImageConfig> config = ParseConfig(
      R"({"os":"linux","architecture":"arm64","variant":"v8","created":"2024-01-02T03:04:05Z",
          "author":"me","config":{"Cmd":["sh"],"Volumes":{"/v":{}}},
          "rootfs":{"type":"layers","diff_ids":[")" +
      kLayer + R"("]},"history":[{"created_by":"one","empty_layer":true},{"comment":"two"}]})");
  ASSERT_THAT(config, IsOk());
  const std::string text = EncodeConfig(*config);
  Result<ImageConfig> again = ParseConfig(text);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(EncodeConfig(*again), text);
  EXPECT_EQ(again->history.size(), 2u);
  EXPECT_TRUE(again->history[0].empty_layer);
  EXPECT_EQ(again->platform.variant, "v8");
}

TEST(ImageConfigTest, OfWrongShapesIsCorruptAndNeverThrows) {
  for (const std::string& text :
       {std::string("[]"), std::string("\xff"), With(R"({"Env":[7]})"),
        With(R"({"Env":["A=\u0000"]})"), With(R"({"User":"\u0000"})"), With(R"({"Volumes":7})"),
        With(R"({"Labels":{"a":7}})"), With("7"), With("{}", R"(["md5:1"])"), With("{}", "[7]")}) {
    EXPECT_FALSE(ParseConfig(text).ok()) << text;
  }
}

}  // namespace
}  // namespace boxlite
