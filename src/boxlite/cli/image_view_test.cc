#include "boxlite/cli/image_view.h"

#include <nlohmann/json.hpp>

#include "boxlite/base/testing.h"
#include "boxlite/cli/image_filter.h"

namespace boxlite::cli {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kDay = 86'400'000'000'000;
const std::string kDigest = "sha256:" + std::string(64, 'a');

ImageEntry Entry(const std::vector<std::string>& names) {
  StoredImage image;
  image.digest = kDigest;
  image.config.created = "1970-01-11T00:00:00Z";
  image.config.labels = {{"k", "v"}};
  image.stored_ns = 20 * kDay;
  ImageEntry entry{kDigest, image, {}, false, true, 1'500'000, {}};
  for (const std::string& name : names) {
    entry.tags.push_back({name, kDigest, std::nullopt, false, 0});
  }
  return entry;
}

std::string Table(const ImageEntry& entry, bool whole = false, bool digests = false) {
  const std::vector<ImageEntry> entries = {entry};
  return ImageTable(RowsOf(entries), 15 * kDay, whole, digests);
}

TEST(ImageTableTest, HasDockersColumnsAndALineAName) {
  EXPECT_EQ(Table(Entry({"docker.io/library/debian:12", "reg.example:5000/a/b:1"})),
            "REPOSITORY             TAG   IMAGE ID       CREATED      SIZE\n"
            "debian                 12    aaaaaaaaaaaa   5 days ago   1.5MB\n"
            "reg.example:5000/a/b   1     aaaaaaaaaaaa   5 days ago   1.5MB\n");
}

TEST(ImageTableTest, ShowsWhatHasNoNameAsNone) {
  EXPECT_THAT(Table(Entry({})), HasSubstr("<none>       <none>   aaaaaaaaaaaa"));
}

TEST(ImageTableTest, ShowsDigestsAndWholeIdsWhenAsked) {
  ImageEntry entry = Entry({});
  entry.tags = {{"docker.io/library/debian:12", kDigest,
                 *Digest::Parse("sha256:" + std::string(64, 'e')), false, 0}};
  EXPECT_THAT(Table(entry, true, true),
              HasSubstr("12    sha256:" + std::string(64, 'e') + "   " + kDigest));
}

TEST(ImageTableTest, ListsADamagedImageAsSuch) {
  ImageEntry entry = Entry({});
  entry.image = Error(ErrorCode::kCorrupt, "no JSON");
  EXPECT_THAT(Table(entry), HasSubstr("<damaged>"));
}

TEST(ImageInspect, ShowsTheConfigurationAndTheNames) {
  ImageEntry entry = Entry({"docker.io/library/debian:12"});
  entry.tags[0].manifest = *Digest::Parse("sha256:" + std::string(64, 'e'));
  entry.image->config.exposed_ports = {"80/tcp"};
  entry.image->config.volumes = {"/data"};
  const Document shown = ImageInspectEntry(entry);
  EXPECT_EQ(shown["Id"], kDigest);
  EXPECT_EQ(shown["RepoTags"][0], "debian:12");
  EXPECT_EQ(shown["RepoDigests"][0], "debian@sha256:" + std::string(64, 'e'));
  EXPECT_TRUE(shown["Config"]["ExposedPorts"].contains("80/tcp"));
  EXPECT_TRUE(shown["Config"]["Volumes"].contains("/data"));
}

TEST(ImageHistory, IsNewestFirstWithTheSizesOfItsLayers) {
  ImageEntry entry = Entry({});
  entry.image->config.history = {
      {"", "first", "", false}, {"", "second", "c", true}, {"", "third", "", false}};
  const std::vector<HistoryRow> rows = HistoryRows(entry, {1000, 2000}, false);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].created_by, "third");
  EXPECT_EQ(rows[0].image, "aaaaaaaaaaaa");
  EXPECT_EQ(rows[0].size, "2kB");
  EXPECT_EQ(rows[1].size, "0B");
  EXPECT_EQ(rows[2].image, "<missing>");
  EXPECT_EQ(rows[2].size, "1kB");
}

bool Matches(const std::vector<std::string>& filters, const ImageEntry& entry) {
  Result<ImageFilter> filter = ImageFilter::Parse(filters, 30 * kDay);
  if (!filter.ok()) return false;
  const std::vector<ImageEntry> entries = {entry};
  return filter->Matches(RowsOf(entries).front());
}

TEST(ImageFilterTest, HoldsForWhatItNames) {
  const ImageEntry named = Entry({"docker.io/library/debian:12"});
  const ImageEntry other = Entry({"reg.example/a/b:1"});
  EXPECT_TRUE(Matches({"reference=debian"}, named));
  EXPECT_TRUE(Matches({"reference=deb*:12"}, named));
  EXPECT_FALSE(Matches({"reference=debian:11"}, named));
  EXPECT_FALSE(Matches({"reference=*"}, other));
  EXPECT_TRUE(Matches({"reference=*/a/*"}, other));
  EXPECT_TRUE(Matches({"dangling=true"}, Entry({})));
  EXPECT_FALSE(Matches({"dangling=true"}, named));
  EXPECT_TRUE(Matches({"dangling=false"}, named));
  EXPECT_TRUE(Matches({"label=k=v"}, named));
  EXPECT_FALSE(Matches({"label!=k"}, named));
  EXPECT_TRUE(Matches({"until=240h"}, named));
  EXPECT_FALSE(Matches({"until=241h"}, named));
}

TEST(ImageFilterTest, ThatIsNoneIsNamed) {
  for (const char* word : {"x", "=y", "other=1", "dangling=maybe", "reference!=a", "until=never"}) {
    EXPECT_THAT(ImageFilter::Parse({word}, 0), HasCode(ErrorCode::kInvalidArgument)) << word;
  }
}

}  // namespace
}  // namespace boxlite::cli
