// load, import and save as works, with a store in a temporary home.
#include "boxlite/image/testing.h"
#include "boxlite/image/works.h"
#include "boxlite/store/testing.h"

namespace boxlite {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WorksTest : public ::testing::Test {
 protected:
  StoreFixture home_;
  TestDirectory files_;
  std::vector<ImageEvent> events_;

  WorkPlace Place(int data_fd) {
    return {home_.store(), home_.fd(), data_fd,
            [this](const ImageEvent& event) { events_.push_back(event); }};
  }
  Status Load(const std::string& archive, const ImageRequest& request = {}) {
    Fd file = FileOf(files_, archive);
    return LoadImages(Place(file.get()), request);
  }
  std::string Digest() {
    for (const ImageEvent& event : events_) {
      if (event.kind == ImageEventKind::kImage) return event.digest;
    }
    return "";
  }
  // Nothing of a work that failed is left.
  void ExpectNothing() {
    EXPECT_THAT(*ListDirectory(home_.store().images_fd()), IsEmpty());
    EXPECT_THAT(*home_.store().Tags(), IsEmpty());
  }
};

TEST_F(WorksTest, LoadsADockerArchiveUnderItsName) {
  const DockerArchive archive;
  ASSERT_THAT(Load(archive.Bytes()), IsOk());
  EXPECT_EQ(Digest(), Sha256::Of(archive.config()).text());
  Result<std::optional<ImageStore::Found>> found = home_.store().Find("app:1");
  ASSERT_THAT(found, IsOk());
  ASSERT_TRUE(found->has_value());
  Result<StoredImage> image = home_.store().Read((*found)->digest);
  ASSERT_THAT(image, IsOk());
  EXPECT_THAT(image->config.command, ElementsAre("sh"));
}

TEST_F(WorksTest, StoresOneImageOnceWhateverItIsCalled) {
  DockerArchive archive;
  ASSERT_THAT(Load(archive.Bytes()), IsOk());
  archive.names = R"(["other:2","app:3"])";
  ASSERT_THAT(Load(archive.Bytes()), IsOk());
  EXPECT_EQ(home_.store().List()->size(), 1u);
  EXPECT_EQ(home_.store().Tags()->size(), 3u);
  EXPECT_FALSE(events_.back().fresh);
}

TEST_F(WorksTest, GivesTheNameThatWasAskedForOrNone) {
  ImageRequest request;
  request.names = {"mine"};
  ASSERT_THAT(Load(DockerArchive().Bytes(), request), IsOk());
  EXPECT_EQ(home_.store().Tags()->front().name, "docker.io/library/mine:latest");
  DockerArchive other;
  other.config_more = R"(,"author":"me")";
  request.names.clear();
  request.anonymous = true;
  ASSERT_THAT(Load(other.Bytes(), request), IsOk());
  EXPECT_EQ(home_.store().Tags()->size(), 1u);
  EXPECT_EQ(home_.store().List()->size(), 2u);
}

TEST_F(WorksTest, LeavesOutANameThatIsNoneAndSaysSo) {
  DockerArchive archive;
  archive.names = R"(["UPPER:x","ok:1"])";
  ASSERT_THAT(Load(archive.Bytes()), IsOk());
  EXPECT_EQ(home_.store().Tags()->size(), 1u);
  EXPECT_THAT(events_, Contains(Field(&ImageEvent::text, HasSubstr("UPPER"))));
}

TEST_F(WorksTest, RefusesALayerThatIsNotWhatTheConfigurationSays) {
  DockerArchive archive;
  archive.said_layer = TarOf({TarFile("etc/other", "other")});
  EXPECT_THAT(Load(archive.Bytes()), HasCode(ErrorCode::kCorrupt));
  ExpectNothing();
}

TEST_F(WorksTest, RefusesAnImageForAnotherProcessor) {
  DockerArchive archive;
  archive.architecture = "s390x";
  Status loaded = Load(archive.Bytes());
  ASSERT_THAT(loaded, HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(loaded.error().message(), HasSubstr("linux/s390x"));
  ExpectNothing();
}

TEST_F(WorksTest, RefusesWhatIsNoArchiveOfImages) {
  EXPECT_THAT(Load(TarOf({TarFile("a", "b")})), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(Load(TarOf({TarFile("manifest.json", "{}")})), HasCode(ErrorCode::kCorrupt));
  EXPECT_THAT(Load(TarOf({TarFile("manifest.json", R"([{"Config":"c","Layers":[]}])")})),
              HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(Load(TarOf({TarFile("manifest.json", R"([{"Config":"../../etc/passwd"}])")})),
              HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(Load("junk"), HasCode(ErrorCode::kCorrupt));
  ExpectNothing();
}

// An OCI archive whose every member can be spoilt.
struct OciArchive {
  std::string layer = TarOf({TarFile("etc/hello", "hello\n")});
  std::string layer_blob = layer;
  std::uint64_t said_size = layer.size();
  std::string config = DockerArchive().config();
  std::string config_blob = config;

  static std::string Entry(const std::string& bytes, std::uint64_t size,
                           const std::string& more = "") {
    return R"({"digest":")" + Sha256::Of(bytes).text() + R"(","size":)" + std::to_string(size) +
           more + "}";
  }
  static std::string Blob(const std::string& named_for, const std::string& bytes) {
    return TarFile("blobs/sha256/" + Sha256::Of(named_for).hex(), bytes);
  }
  std::string Bytes(const std::string& notes =
                        R"(,"annotations":{"org.opencontainers.image.ref.name":"oci:1"})") const {
    const std::string manifest = R"({"schemaVersion":2,"config":)" + Entry(config, config.size()) +
                                 R"(,"layers":[)" + Entry(layer, said_size) + "]}";
    return TarOf({Blob(layer, layer_blob), Blob(config, config_blob), Blob(manifest, manifest),
                  TarFile("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"),
                  TarFile("index.json", R"({"schemaVersion":2,"manifests":[)" +
                                            Entry(manifest, manifest.size(), notes) + "]}")});
  }
};

TEST_F(WorksTest, LoadsAnOciArchiveUnderItsName) {
  ASSERT_THAT(Load(OciArchive().Bytes()), IsOk());
  ASSERT_EQ(home_.store().Tags()->size(), 1u);
  EXPECT_EQ(home_.store().Tags()->front().name, "docker.io/library/oci:1");
  EXPECT_TRUE(home_.store().Tags()->front().manifest.has_value());
}

TEST_F(WorksTest, RefusesBlobsThatAreNotWhatTheirNamesSay) {
  OciArchive archive;
  archive.config_blob.replace(archive.config_blob.find("\"sh\""), 4, "\"ls\"");
  EXPECT_THAT(Load(archive.Bytes()), HasCode(ErrorCode::kCorrupt));
  archive = OciArchive();
  archive.layer_blob[600] ^= 1;
  EXPECT_THAT(Load(archive.Bytes()), HasCode(ErrorCode::kCorrupt));
  archive = OciArchive();
  archive.said_size += 512;
  EXPECT_THAT(Load(archive.Bytes()), HasCode(ErrorCode::kCorrupt));
  ExpectNothing();
}

TEST_F(WorksTest, OfALayoutTakesTheImageThatIsMeant) {
  ImageRequest request;
  request.only = "oci:1";
  EXPECT_THAT(Load(OciArchive().Bytes(), request), IsOk());
  request.only = "oci:2";
  Status other = Load(OciArchive().Bytes(), request);
  ASSERT_THAT(other, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(other.error().message(), HasSubstr("oci:1"));
}

TEST_F(WorksTest, ImportsATarWithItsChanges) {
  ImageRequest request;
  request.work = ImageWork::kImport;
  request.names = {"root:1"};
  request.changes = {"CMD [\"sh\"]"};
  const std::string tar = TarOf({TarFile("etc/hello", "hello\n")});
  for (int i = 0; i < 2; ++i) {
    Fd file = FileOf(files_, tar);
    ASSERT_THAT(ImportImage(Place(file.get()), request), IsOk());
  }
  // The same tar is the same image.
  ASSERT_EQ(home_.store().List()->size(), 1u);
  EXPECT_EQ(home_.store().Tags()->front().name, "docker.io/library/root:1");
  EXPECT_THAT(home_.store().List()->front().image->config.command, ElementsAre("sh"));
  Fd junk = FileOf(files_, "junk");
  EXPECT_FALSE(ImportImage(Place(junk.get()), request).ok());
  EXPECT_EQ(ListDirectory(home_.store().images_fd())->size(), 1u);
}

TEST_F(WorksTest, SavesWhatCanBeLoadedAgainWithTheSameBytesEachTime) {
  ASSERT_THAT(Load(DockerArchive().Bytes()), IsOk());
  home_.Tag("second", Digest());
  ImageRequest request;
  request.work = ImageWork::kSave;
  request.names = {"app:1", "second"};
  std::string saved[2];
  for (std::string& bytes : saved) {
    Fd file = FileOf(files_, "");
    ASSERT_THAT(SaveImages(Place(file.get()), request), IsOk());
    bytes = ReadAt(file.get());
  }
  EXPECT_EQ(saved[0], saved[1]);
  StoreFixture other;
  events_.clear();
  Fd file = FileOf(files_, saved[0]);
  ASSERT_THAT(LoadImages({other.store(), other.fd(), file.get(),
                          [this](const ImageEvent& event) { events_.push_back(event); }},
                         {}),
              IsOk());
  ASSERT_EQ(other.store().List()->size(), 1u);
  EXPECT_EQ(other.store().Tags()->size(), 2u);
  EXPECT_THAT(other.store().List()->front().image->config.command, ElementsAre("sh"));
  request.names = {"nothing"};
  EXPECT_THAT(SaveImages(Place(file.get()), request), HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace boxlite
