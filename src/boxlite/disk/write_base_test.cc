#include "boxlite/disk/write_base.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <locale.h>
#include <sys/stat.h>
#include <time.h>

#include "boxlite/disk/testing.h"

namespace boxlite {
namespace {

using testing::HasSubstr;
using WriteBaseTest = BaseTest;

TEST_F(WriteBaseTest, KeepsTypesModesOwnersAndContent) {
  TarLayer layer;
  layer.Directory(".", 0750).Directory("empty").File("f", "content").File("zero", "");
  TarEntry owned = Entry(TarEntry::Kind::kFile, "setuid", 04755);
  owned.uid = 70'000;
  owned.gid = 4'000'000'000;
  layer.Add(owned, "x");
  layer.Directory("sticky", 01777);
  TarEntry null = Entry(TarEntry::Kind::kCharacterDevice, "null", 0666);
  null.device_major = 1;
  null.device_minor = 3;
  layer.Add(null);
  TarEntry disk = Entry(TarEntry::Kind::kBlockDevice, "disk", 0600);
  disk.device_major = 259;
  disk.device_minor = 70'000;
  layer.Add(disk).Add(Entry(TarEntry::Kind::kFifo, "fifo", 0640));
  layer.Symlink("short", std::string(59, 's')).Symlink("sixty", std::string(60, 's'));
  layer.Symlink("long", std::string(4095, 't'));

  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found.size(), 12U);  // and no lost+found
  EXPECT_EQ(found[""].mode, 040750U);
  EXPECT_EQ(found["empty"].mode, 040755U);
  EXPECT_EQ(found["empty"].links, 2U);
  EXPECT_EQ(found[""].links, 4U);
  EXPECT_EQ(found["f"].mode, 0100644U);
  EXPECT_EQ(found["f"].content, "content");
  EXPECT_EQ(found["zero"].size, 0U);
  EXPECT_EQ(found["zero"].blocks, 0U);
  EXPECT_EQ(found["setuid"].mode, 0104755U);
  EXPECT_EQ(found["setuid"].uid, 70'000U);
  EXPECT_EQ(found["setuid"].gid, 4'000'000'000U);
  EXPECT_EQ(found["sticky"].mode, 041777U);
  EXPECT_EQ(found["null"].mode, 020666U);
  EXPECT_EQ(found["null"].device[0], 0x103U);
  EXPECT_EQ(found["disk"].mode, 060600U);
  EXPECT_EQ(found["disk"].device[0], 0U);
  EXPECT_EQ(found["disk"].device[1], (70'000U & 0xff) | 259U << 8 | (70'000U & ~0xffU) << 12);
  EXPECT_EQ(found["fifo"].mode, 010640U);
  EXPECT_EQ(found["short"].content, std::string(59, 's'));
  EXPECT_EQ(found["sixty"].content, std::string(60, 's'));
  EXPECT_EQ(found["long"].content, std::string(4095, 't'));
  EXPECT_EQ(found["long"].mode, 0120777U);
}

TEST_F(WriteBaseTest, KeepsTimesToTheNanosecondIn1901And2446) {
  TarLayer layer;
  const auto add = [&layer](const std::string& name, const std::string& mtime) {
    layer.Add(Entry(TarEntry::Kind::kFile, name, 0644), "", {{"mtime", mtime}});
  };
  add("now", "1700000000.123456789");
  add("before", "-86400");
  add("before-with-parts", "-1.25");
  add("after-2038", "5000000000.5");
  add("last", "15032385535");
  add("too-late", "99999999999.5");
  add("too-early", "-99999999999");
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found["now"].mtime_s, 1'700'000'000);
  EXPECT_EQ(found["now"].mtime_ns, 123'456'789U);
  EXPECT_EQ(found["before"].mtime_s, -86'400);
  EXPECT_EQ(found["before-with-parts"].mtime_s, -2);
  EXPECT_EQ(found["before-with-parts"].mtime_ns, 750'000'000U);
  EXPECT_EQ(found["after-2038"].mtime_s, 5'000'000'000);
  EXPECT_EQ(found["after-2038"].mtime_ns, 500'000'000U);
  EXPECT_EQ(found["last"].mtime_s, 15'032'385'535);
  EXPECT_EQ(found["too-late"].mtime_s, 15'032'385'535);
  EXPECT_EQ(found["too-early"].mtime_s, -2'147'483'648);
}

// With and without a pax header, which libarchive turns into the locale's characters.
TEST_F(WriteBaseTest, KeepsEveryByteOfNames) {
  // Where libarchive would join what it may.
  ASSERT_NE(::setlocale(LC_ALL, "C.UTF-8"), nullptr);
  const Cleanup back([] { ::setlocale(LC_ALL, "C"); });
  std::string bytes;
  for (int byte = 1; byte < 256; ++byte) {
    if (byte != '/') bytes += static_cast<char>(byte);
  }
  const std::string decomposed = "u\xcc\x88";  // two code points that libarchive would join
  const std::string broken = "\xc3(\xff";
  TarLayer layer;
  layer.File(decomposed).File(broken);
  for (const std::string& name :
       {"p" + decomposed, "p" + broken, std::string("p\xc3\xa9"), bytes}) {
    layer.Add(Entry(TarEntry::Kind::kFile, "short", 0644), name, {{"path", name}});
  }
  layer.Add(Entry(TarEntry::Kind::kSymlink, "link", 0777), "", {{"linkpath", broken}});
  layer.Add(Entry(TarEntry::Kind::kHardLink, "hard", 0777), "", {{"linkpath", "p" + decomposed}});
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found.count(decomposed), 1U);
  EXPECT_EQ(found.count(broken), 1U);
  EXPECT_EQ(found["p" + decomposed].content, "p" + decomposed);
  EXPECT_EQ(found["p" + broken].content, "p" + broken);
  EXPECT_EQ(found["p\xc3\xa9"].content, "p\xc3\xa9");
  EXPECT_EQ(found[bytes].content, bytes);
  EXPECT_EQ(found["link"].content, broken);
  EXPECT_EQ(found["hard"].inode, found["p" + decomposed].inode);
}

TEST_F(WriteBaseTest, KeepsLongNamesAndDeepPaths) {
  const std::string name(255, 'n');
  std::string deep;
  while (deep.size() < 4090) deep += "d/";
  deep += "f";
  auto found = Make({TarLayer().File(name, "long").File(deep, "deep").Bytes()});
  EXPECT_EQ(found[name].content, "long");
  EXPECT_EQ(found[deep].content, "deep");
}

TEST_F(WriteBaseTest, KeepsExtendedAttributes) {
  const std::string capability("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  const std::string large(3000, 'v');
  TarLayer layer;
  layer.Add(Entry(TarEntry::Kind::kFile, "ping", 0755), "elf",
            {{"SCHILY.xattr.security.capability", capability},
             {"SCHILY.xattr.user.large", large},
             {"SCHILY.xattr.user.empty", ""},
             {"SCHILY.xattr.user.twice", "first"},
             {"SCHILY.xattr.user.twice", "second"},
             {"SCHILY.xattr.unknown.space", "dropped"}});
  layer.Add(Entry(TarEntry::Kind::kDirectory, "d", 0755), "",
            {{"SCHILY.xattr.trusted.mark", "of a directory"}});
  layer.Add(Entry(TarEntry::Kind::kSymlink, "l", 0777), "",
            {{"linkpath", "d"}, {"SCHILY.xattr.user.no", "dropped"}});
  auto found = Make({layer.Bytes()});
  const std::map<std::string, std::string> wanted = {{"security.capability", capability},
                                                     {"user.large", large},
                                                     {"user.empty", ""},
                                                     {"user.twice", "second"}};
  EXPECT_EQ(found["ping"].xattrs, wanted);
  EXPECT_EQ(found["d"].xattrs["trusted.mark"], "of a directory");
  EXPECT_TRUE(found["l"].xattrs.empty());
}

TEST_F(WriteBaseTest, LaysAccessControlListsOverTheMode) {
  // Those that have no id have this one; libext2fs reads it as another than the kernel.
  const auto acl = [](std::vector<std::vector<int>> entries, int none = -1) {
    std::string value("\2\0\0\0", 4);
    for (const std::vector<int>& entry : entries) {
      const auto id = static_cast<std::uint32_t>(entry[2] < 0 ? none : entry[2]);
      value += {static_cast<char>(entry[0]), 0, static_cast<char>(entry[1]), 0};
      for (int shift = 0; shift < 32; shift += 8) value += static_cast<char>(id >> shift & 255);
    }
    return value;
  };
  const std::vector<std::vector<int>> entries = {
      {1, 7, -1}, {2, 6, 1000}, {4, 5, -1}, {16, 6, -1}, {32, 4, -1}};
  const std::string full = acl(entries);
  const std::string minimal = acl({{1, 6, -1}, {4, 4, -1}, {32, 0, -1}});
  TarLayer layer;
  layer.Add(Entry(TarEntry::Kind::kFile, "f", 0700), "x",
            {{"SCHILY.xattr.system.posix_acl_access", full}});
  layer.Add(Entry(TarEntry::Kind::kFile, "m", 0777), "x",
            {{"SCHILY.xattr.system.posix_acl_access", minimal}});
  layer.Add(Entry(TarEntry::Kind::kDirectory, "d", 0755), "",
            {{"SCHILY.xattr.system.posix_acl_default", full}});
  // As text, from GNU tar or star: not taken, and the mode stays the header's.
  layer.Add(Entry(TarEntry::Kind::kFile, "t", 0674), "x",
            {{"SCHILY.acl.access", "user::rw-,user:bin:rwx,group::r--,mask::rwx,other::r--"}});
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found["f"].mode, 0100764U);
  EXPECT_EQ(found["f"].xattrs["system.posix_acl_access"], acl(entries, 0));
  EXPECT_EQ(found["m"].mode, 0100640U);
  EXPECT_TRUE(found["m"].xattrs.empty());
  EXPECT_EQ(found["d"].xattrs["system.posix_acl_default"], acl(entries, 0));
  EXPECT_EQ(found["t"].mode, 0100674U);
  EXPECT_TRUE(found["t"].xattrs.empty());
}

TEST_F(WriteBaseTest, RefusesAttributesThatDoNotFit) {
  TarLayer layer;
  layer.Add(Entry(TarEntry::Kind::kFile, "f", 0644), "x",
            {{"SCHILY.xattr.user.large", std::string(5000, 'v')}});
  EXPECT_THAT(Why(Write({layer.Bytes()}), ErrorCode::kUnsupported), HasSubstr("'f'"));
}

TEST_F(WriteBaseTest, MergesLayers) {
  const std::string lower = TarLayer()
                                .File("keep", "lower")
                                .File("gone", "lower")
                                .File("d/old", "lower")
                                .File("o/old", "lower")
                                .File("replaced", "lower")
                                .HardLink("other", "replaced")
                                .Directory("becomes-file")
                                .File("becomes-file/x")
                                .File("becomes-directory")
                                .Bytes();
  const std::string middle = TarLayer()
                                 .File(".wh.gone", "")
                                 .File("d/.wh.old", "")
                                 .File("o/new", "middle")
                                 .File("o/.wh..wh..opq", "")
                                 .File("replaced", "middle")
                                 .File("becomes-file", "file")
                                 .Directory("becomes-directory")
                                 .HardLink("link", "keep")
                                 .Bytes();
  const std::string upper = TarLayer().HardLink("d/link2", "link").File("d/more", "upper").Bytes();
  auto found = Make({Gzip(lower), Zstd(middle), upper});
  std::string names;
  for (const auto& [name, entry] : found) names += name + " ";
  EXPECT_EQ(names,
            " becomes-directory becomes-file d d/link2 d/more keep link o o/new other replaced ");
  EXPECT_EQ(found["keep"].links, 3U);
  EXPECT_EQ(found["d/link2"].inode, found["keep"].inode);
  EXPECT_EQ(found["link"].content, "lower");
  EXPECT_EQ(found["other"].content, "lower");
  EXPECT_EQ(found["other"].links, 1U);
  EXPECT_EQ(found["replaced"].content, "middle");
  EXPECT_EQ(found["becomes-file"].content, "file");
}

// What was removed leaves neither its bytes nor its room behind.
TEST_F(WriteBaseTest, ForgetsTheBytesOfWhatWasRemoved) {
  const std::string secret(3 << 20, 'S');
  ASSERT_THAT(Write({TarLayer().File("secret", secret).File("kept", "k").Bytes(),
                     TarLayer().File(".wh.secret", "").Bytes()}),
              IsOk());
  EXPECT_EQ(Check(directory_.Path("base")), "");
  const Result<std::string> bytes = ReadFile(directory_.fd(), "base", 1 << 28);
  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(bytes->find("SSSSSSSS"), std::string::npos);
  struct stat info = {};
  ASSERT_EQ(::stat(directory_.Path("base").c_str(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 2 << 20);
}

TEST_F(WriteBaseTest, KeepsHoles) {
  TarLayer layer;
  // How many, and offset and size of each.
  AddSparse(layer, "sparse", "3\n0\n6\n1000000\n5\n5000000000\n0\n", "head::tail!", "5000000000");
  AddSparse(layer, "small", "2\n0\n6\n1000000\n4\n", "head::tail", "1000004");
  AddSparse(layer, "hole", "1\n1000000\n0\n", "", "1000000");
  auto found = Make({layer.Bytes()});
  EXPECT_EQ(found["sparse"].size, 5'000'000'000U);
  EXPECT_EQ(found["sparse"].blocks, 16U);
  EXPECT_EQ(found["small"].content, "head::" + std::string(1'000'000 - 6, '\0') + "tail");
  EXPECT_EQ(found["hole"].content, std::string(1'000'000, '\0'));
  EXPECT_EQ(found["hole"].blocks, 0U);
}

// More extents than an inode holds, so that they go into a tree.
TEST_F(WriteBaseTest, KeepsAFileOfManyPieces) {
  std::string map, data;
  constexpr int kPieces = 1500;
  for (int i = 0; i < kPieces; ++i) {
    map += std::to_string(i * 8192) + "\n1\n";
    data += static_cast<char>('a' + i % 26);
  }
  map = std::to_string(kPieces) + "\n" + map;
  TarLayer layer;
  const std::string size = std::to_string(kPieces * 8192);
  AddSparse(AddSparse(layer, "pieces", map, data, size), "removed", map, data, size);
  auto found = Make({layer.Bytes(), TarLayer().File(".wh.removed", "").Bytes()});
  EXPECT_EQ(found["pieces"].size, kPieces * 8192U);
  EXPECT_GE(found["pieces"].blocks, kPieces * 8U);
}

TEST_F(WriteBaseTest, Takes20000FilesInADirectoryInUnderASecond) {
  TarLayer layer;
  for (int i = 0; i < 20'000; ++i) layer.File("d/file-" + std::to_string(i), "");
  const std::string stream = layer.Bytes();
  struct timespec before = {}, after = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);  // of this process: the machine is shared
  ASSERT_THAT(Write({stream}), IsOk());
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
  const double took = static_cast<double>(after.tv_sec - before.tv_sec) +
                      static_cast<double>(after.tv_nsec - before.tv_nsec) * 1e-9;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
  EXPECT_LT(took, 1.0);
#else
  EXPECT_GT(took, 0.0);
#endif
  EXPECT_EQ(Check(directory_.Path("base")), "");
  EXPECT_EQ(ReadBase(directory_.Path("base")).size(), 20'002U);
}

TEST_F(WriteBaseTest, GivesTheSameBytesForTheSameImage) {
  TarLayer layer;
  for (int i = 0; i < 3'000; ++i) layer.File("d/" + std::to_string(i), std::to_string(i));
  layer.Add(Entry(TarEntry::Kind::kFile, "x", 0644), "x", {{"SCHILY.xattr.user.a", "b"}});
  const std::string stream = layer.Bytes();
  std::vector<std::string> bases;
  for (const char* seed : {"one", "one", "two"}) {
    TextLayers layers({Gzip(stream), stream});
    if (!bases.empty()) {
      // Compressed or not, fetched ahead or not: the same content.
      layers.change = [&](std::size_t, LayerSource& layer_source) {
        layer_source.bytes = std::make_unique<TextSource>(stream, 1000);
        layer_source.arrival = Arrival::kFetchAhead;
      };
      // Not in the same second: a time of day in it would show.
      const time_t now = ::time(nullptr);
      while (::time(nullptr) == now) {
        struct timespec moment = {0, 50'000'000};
        ::nanosleep(&moment, nullptr);  // there is no event at the end of a second
      }
    }
    ASSERT_THAT(WriteBase(layers, seed, directory_.fd(), "base"), IsOk());
    bases.push_back(*ReadFile(directory_.fd(), "base", 1 << 28));
    ASSERT_EQ(::unlinkat(directory_.fd(), "base", 0), 0);
  }
  EXPECT_TRUE(bases[0] == bases[1]);
  EXPECT_FALSE(bases[0] == bases[2]);
}

TEST_F(WriteBaseTest, SaysWhatItMade) {
  const std::string stream = TarLayer().File("a/f").Bytes();
  const Result<BaseFacts> facts = Write({Gzip(stream)});
  ASSERT_THAT(facts, IsOk());
  EXPECT_EQ(facts->size_bytes, 64U << 20);
  EXPECT_EQ(facts->entries, 3U);
  ASSERT_EQ(facts->diff_ids.size(), 1U);
  EXPECT_EQ(facts->diff_ids[0], Sha256::Of(stream));
  struct stat info = {};
  ASSERT_EQ(::stat(directory_.Path("base").c_str(), &info), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(info.st_size), facts->size_bytes);
  EXPECT_LT(info.st_blocks * 512, 1 << 20);  // sparse
}

TEST_F(WriteBaseTest, MakesAnEmptyImage) { EXPECT_EQ(Make({}).size(), 1U); }

TEST_F(WriteBaseTest, LeavesAloneWhatIsThere) {
  ASSERT_THAT(WriteFileOnce(directory_.fd(), "base", "mine", Durability::kVolatile), IsOk());
  EXPECT_THAT(Write({TarLayer().Bytes()}), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_EQ(*ReadFile(directory_.fd(), "base", 100), "mine");
}

TEST_F(WriteBaseTest, TellsProgress) {
  const std::string stream = TarLayer().File("f", std::string(1 << 20, 'x')).Bytes();
  TextLayers layers({stream, stream});
  std::vector<BaseProgress> last(2);
  ASSERT_THAT(WriteBase(layers, "seed", directory_.fd(), "base", {},
                        [&](const BaseProgress& progress) { last[progress.layer] = progress; }),
              IsOk());
  for (const BaseProgress& progress : last) {
    EXPECT_EQ(progress.stored_bytes, stream.size());
    EXPECT_EQ(progress.written_bytes, stream.size());
    EXPECT_TRUE(progress.done);
  }
}

}  // namespace
}  // namespace boxlite
