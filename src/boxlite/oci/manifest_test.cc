#include "boxlite/oci/manifest.h"

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

using ::testing::HasSubstr;

std::string DigestText(char digit) { return "sha256:" + std::string(64, digit); }

std::string Entry(char digit, const std::string& more = "") {
  return R"({"digest":")" + DigestText(digit) + R"(","size":7)" + more + "}";
}

std::string ManifestText(const std::string& more = "") {
  return R"({"schemaVersion":2)" + more + R"(,"config":)" + Entry('c') + R"(,"layers":[)" +
         Entry('1') + "," + Entry('2') + "]}";
}

std::string ForPlatform(const std::string& os, const std::string& architecture,
                        const std::string& variant = "") {
  return R"(,"platform":{"os":")" + os + R"(","architecture":")" + architecture +
         R"(","variant":")" + variant + R"("})";
}

TEST(OciManifest, WithoutAMediaTypeIsReadByItsMembers) {
  Result<OciManifest> manifest = ParseManifest(ManifestText());
  ASSERT_THAT(manifest, IsOk());
  EXPECT_EQ(manifest->config.digest.text(), DigestText('c'));
  ASSERT_EQ(manifest->layers.size(), 2u);
  EXPECT_EQ(manifest->layers[1].digest.text(), DigestText('2'));
  EXPECT_EQ(manifest->layers[1].size, 7u);
  Result<ManifestKind> kind = ManifestKindOf("application/json; charset=utf-8", ManifestText());
  ASSERT_THAT(kind, IsOk());
  EXPECT_EQ(*kind, ManifestKind::kManifest);
}

TEST(OciManifest, ThatContradictsItsTypeIsNotRead) {
  EXPECT_THAT(ManifestKindOf(kOciIndexType, ManifestText()), HasCode(ErrorCode::kCorrupt));
  const std::string lying = ManifestText(std::string(R"(,"mediaType":")") + kDockerListType + "\"");
  EXPECT_THAT(ManifestKindOf("", lying), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(ManifestKindOf("", ManifestText(R"(,"manifests":[])")), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(ManifestKindOf("", "{}"), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(ManifestKindOf("application/vnd.cncf.helm.config.v1+json", ManifestText()),
              HasCode(ErrorCode::kUnsupported));
}

TEST(OciManifest, OfDockersFirstSchemaIsNamedAsSuch) {
  EXPECT_THAT(ManifestKindOf("", R"({"schemaVersion":1,"fsLayers":[]})"),
              HasCode(ErrorCode::kUnsupported));
}

TEST(OciManifest, WithImpossibleNumbersIsRefused) {
  for (const char* size : {"-1", "1.5", "\"7\"", "99999999999999999999", "1152921504606846976"}) {
    const std::string text = R"({"config":)" + Entry('c') + R"(,"layers":[{"digest":")" +
                             DigestText('1') + R"(","size":)" + size + "}]}";
    EXPECT_THAT(ParseManifest(text), HasCode(ErrorCode::kCorrupt)) << size;
  }
  std::string many = Entry('1');
  for (std::size_t i = 0; i < kMaxLayers; ++i) many += "," + Entry('1');
  EXPECT_THAT(ParseManifest(R"({"config":)" + Entry('c') + R"(,"layers":[)" + many + "]}"),
              HasCode(ErrorCode::kCorrupt));
}

TEST(OciManifest, OfWrongShapesIsCorruptAndNeverThrows) {
  for (const char* text :
       {"", "null", "[]", "7", "{", R"({"config":7,"layers":[]})", R"({"layers":[]})",
        R"({"config":{"digest":7,"size":1},"layers":[]})", R"({"config":{},"layers":{}})"}) {
    EXPECT_THAT(ParseManifest(text), HasCode(ErrorCode::kCorrupt)) << text;
    EXPECT_FALSE(ParseIndex(text).ok()) << text;
  }
}

TEST(OciManifest, NestedWithoutEndIsRefusedBeforeItIsParsed) {
  const std::string deep = R"({"layers":)" + std::string(1'000'000, '[');
  EXPECT_THAT(ParseManifest(deep), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(ParseManifest(R"({"a":")" + std::string(100, '[') + R"(\"[","layers":7})"),
              HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(ParseManifest(std::string(kMaxManifestBytes + 1, ' ')), HasCode(ErrorCode::kCorrupt));
}

TEST(OciManifest, WithLayersThatAreNoTarIsUnsupported) {
  const auto with_type = [](const std::string& type) {
    return R"({"config":)" + Entry('c') + R"(,"layers":[)" +
           Entry('1', R"(,"mediaType":")" + type + "\"") + "]}";
  };
  EXPECT_THAT(ParseManifest(with_type("application/vnd.docker.image.rootfs.diff.tar.gzip")),
              IsOk());
  EXPECT_THAT(ParseManifest(with_type("application/vnd.oci.image.layer.v1.tar+zstd")), IsOk());
  EXPECT_THAT(ParseManifest(with_type("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")),
              HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(ParseManifest(with_type("application/wasm")), HasCode(ErrorCode::kUnsupported));
}

TEST(OciIndexTest, GivesTheImageOfThePlatform) {
  const std::string text = R"({"manifests":[)" + Entry('0', ForPlatform("unknown", "unknown")) +
                           "," + Entry('1', ForPlatform("linux", "arm64", "v8")) + "," +
                           Entry('2', ForPlatform("linux", "amd64", "v3")) + "," +
                           Entry('3', ForPlatform("linux", "amd64")) + "]}";
  Result<OciIndex> index = ParseIndex(text);
  ASSERT_THAT(index, IsOk());
  const auto chosen = [&](const Platform& platform) {
    Result<Descriptor> entry = ChoosePlatform(*index, platform);
    return entry.ok() ? entry->digest.text() : entry.error().message();
  };
  EXPECT_EQ(chosen({"linux", "amd64", ""}), DigestText('3'));
  EXPECT_EQ(chosen({"linux", "amd64", "v3"}), DigestText('2'));
  EXPECT_EQ(chosen({"linux", "arm64", ""}), DigestText('1'));
  EXPECT_THAT(chosen({"linux", "s390x", ""}), HasSubstr("linux/arm64/v8 linux/amd64/v3"));
  EXPECT_THAT(chosen({"linux", "s390x", ""}), Not(HasSubstr("unknown")));
}

TEST(PlatformTest, IsReadAsItIsWritten) {
  Result<Platform> platform = ParsePlatform("linux/arm64/v8");
  ASSERT_THAT(platform, IsOk());
  EXPECT_EQ(FormatPlatform(*platform), "linux/arm64/v8");
  for (const char* text : {"", "linux", "linux/", "/amd64", "a/b/c/d"}) {
    EXPECT_THAT(ParsePlatform(text), HasCode(ErrorCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace boxlite
