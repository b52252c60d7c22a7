#include "boxlite/copy/tar_reader.h"

#include <vector>

#include "boxlite/copy/testing.h"

namespace boxlite {
namespace {

class Recorder final : public TarConsumer {
 public:
  Status Begin(const TarEntry& entry) override {
    entries.push_back(entry);
    contents.emplace_back();
    return {};
  }
  Status Data(std::string_view bytes) override {
    contents.back() += bytes;
    return {};
  }
  Status End() override {
    ++ended;
    return {};
  }
  std::vector<TarEntry> entries;
  std::vector<std::string> contents;
  int ended = 0;
};

Status ReadAll(Recorder& recorder, const std::string& stream, std::size_t step = 513) {
  TarReader reader(recorder);
  for (std::size_t at = 0; at < stream.size(); at += step) {
    BOXLITE_RETURN_IF_ERROR(reader.Feed(std::string_view(stream).substr(at, step)));
  }
  return reader.Finish();
}

// A header whose fields a test may break; sealed again.
std::string Broken(const TarEntry& entry, std::size_t offset, const std::string& bytes) {
  std::string header = EncodeTarHeader(entry);
  header.replace(offset, bytes.size(), bytes);
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char byte : header.substr(0, kTarBlock)) sum += static_cast<unsigned char>(byte);
  char text[8];
  std::snprintf(text, sizeof text, "%06o", sum);
  header.replace(148, 7, std::string(text, 7));
  return header;
}

TEST(TarReader, GivesBackWhatTheWriterWrote) {
  TarEntry entry;
  entry.name = std::string(150, 'd') + "/" + std::string(99, 'n');
  entry.mode = 04755;
  entry.uid = 70000;
  entry.gid = 4'000'000'000;
  entry.mtime_s = -5;
  TarEntry second = entry;
  second.name = "caf\xc3\xa9/\xff\x80 \n" + std::string(300, 'x');
  second.kind = TarEntry::Kind::kSymlink;
  second.link = std::string(250, 't') + "\xfe";
  second.uid = 3;
  second.mtime_s = 1'700'000'000;
  const std::string stream = TarText().Add(entry, "hello").Add(second).Bytes();
  for (const std::size_t step : {1ul, 511ul, 512ul, 100000ul}) {
    Recorder recorder;
    ASSERT_THAT(ReadAll(recorder, stream, step), IsOk());
    ASSERT_EQ(recorder.entries.size(), 2u);
    EXPECT_EQ(recorder.ended, 2);
    const TarEntry& one = recorder.entries[0];
    EXPECT_EQ(one.name, entry.name);
    EXPECT_EQ(one.mode, 04755u);
    EXPECT_EQ(one.uid, 70000u);
    EXPECT_EQ(one.gid, 4'000'000'000u);
    EXPECT_EQ(one.mtime_s, -5);
    EXPECT_EQ(recorder.contents[0], "hello");
    const TarEntry& two = recorder.entries[1];
    EXPECT_EQ(two.name, second.name);
    EXPECT_EQ(two.link, second.link);
    EXPECT_EQ(two.mtime_s, 1'700'000'000);
    EXPECT_EQ(two.kind, TarEntry::Kind::kSymlink);
  }
}

TEST(TarReader, TakesGnusLongNamesAndBinaryNumbers) {
  TarEntry marker;
  marker.name = "././@LongLink";
  const std::string name(500, 'n');
  std::string longname = Broken(
      [&] {
        TarEntry entry = marker;
        entry.size = name.size() + 1;
        return entry;
      }(),
      156, "L");
  longname += name + std::string(TarPadding(name.size() + 1) + 1, '\0');
  TarEntry file;
  file.name = "cut";
  file.size = 3;
  const std::string header = Broken(file, 108, std::string("\x80\0\0\0\0\x01\x11\x70", 8));
  Recorder recorder;
  ASSERT_THAT(
      ReadAll(recorder, longname + header + "abc" + std::string(509, '\0') + EncodeTarEnd()),
      IsOk());
  ASSERT_EQ(recorder.entries.size(), 1u);
  EXPECT_EQ(recorder.entries[0].name, name);
  EXPECT_EQ(recorder.entries[0].uid, 70000u);
  EXPECT_EQ(recorder.contents[0], "abc");
}

TEST(TarReader, TellsACutStreamFromAWholeOne) {
  const std::string stream = TarText().File("a", std::string(1000, 'x')).Bytes();
  for (const std::size_t size : {0ul, 100ul, 512ul, 900ul, 1536ul}) {
    Recorder recorder;
    EXPECT_THAT(ReadAll(recorder, stream.substr(0, size)), HasCode(ErrorCode::kCorrupt)) << size;
  }
  Recorder recorder;
  EXPECT_THAT(ReadAll(recorder, stream + "whatever follows"), IsOk());
}

TEST(TarReader, RefusesWhatIsNoTar) {
  Recorder recorder;
  EXPECT_THAT(ReadAll(recorder, std::string(2000, 'z')), HasCode(ErrorCode::kCorrupt));
  TarEntry file;
  file.name = "f";
  file.size = 5;
  const std::string negative(12, '\xff');
  for (const std::string& size :
       {negative, "\x80" + std::string(11, '\x7f'), std::string("9999")}) {
    EXPECT_THAT(ReadAll(recorder, Broken(file, 124, size)), HasCode(ErrorCode::kCorrupt));
  }
  EXPECT_TRUE(recorder.entries.empty());
}

TEST(TarReader, HoldsNoRecordsOfMoreThanAMebibyte) {
  TarEntry entry;
  entry.name = "pax";
  entry.size = kMaxTarRecords + 1;
  for (const char* type : {"x", "g", "L", "K"}) {
    Recorder recorder;
    EXPECT_THAT(ReadAll(recorder, Broken(entry, 156, type)), HasCode(ErrorCode::kCorrupt)) << type;
  }
}

TEST(TarReader, RefusesDamagedPaxRecords) {
  for (const std::string& records :
       {std::string("5 a=b"), std::string("999 path=x\n"), std::string("x path=x\n"),
        std::string("9 path=x\n"), std::string("2 \n"), std::string("11 pathxxxx\n"),
        std::string("12 size=-12\n"), std::string("14 uid=9999999\n") + "17 uid=99999999999\n",
        std::string("11 path=a\0\n", 11), std::string("13 mtime=1e5\n")}) {
    TarEntry entry;
    entry.name = "pax";
    entry.size = records.size();
    Recorder recorder;
    EXPECT_THAT(ReadAll(recorder, Broken(entry, 156, "x") + records +
                                      std::string(TarPadding(records.size()), '\0')),
                HasCode(ErrorCode::kCorrupt))
        << records;
  }
}

TEST(TarReader, SaysWhatItCannotRestore) {
  TarEntry entry;
  entry.name = "holes";
  for (const char* type : {"S", "M", "V"}) {
    Recorder recorder;
    EXPECT_THAT(ReadAll(recorder, Broken(entry, 156, type)), HasCode(ErrorCode::kUnsupported));
  }
}

}  // namespace
}  // namespace boxlite
