#include "boxlite/cli/document.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace boxlite::cli {
namespace {

std::string Yaml(const std::string& json) { return ToYaml(Document::parse(json)); }

TEST(Json, IsIndentedAndKeepsTheOrderOfKeys) {
  EXPECT_EQ(ToJson(Document::parse(R"({"b": 1, "a": []})")), "{\n  \"b\": 1,\n  \"a\": []\n}\n");
  EXPECT_EQ(ToJson(Document::array()), "[]\n");
}

TEST(Json, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(ToCompactJson(Document("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(Yaml, WritesScalarsAsTheyAre) {
  EXPECT_EQ(Yaml(R"({"a": 1, "b": true, "c": null, "d": "plain text", "e": -1.5})"),
            "a: 1\nb: true\nc: null\nd: plain text\ne: -1.5\n");
}

TEST(Yaml, NestsObjectsAndArrays) {
  EXPECT_EQ(Yaml(R"({"o": {"x": 1, "p": {"z": 2}}, "l": ["a", ["b", "c"], {"k": 1, "m": [2]}]})"),
            "o:\n  x: 1\n  p:\n    z: 2\n"
            "l:\n  - a\n  -\n    - b\n    - c\n  - k: 1\n    m:\n      - 2\n");
  EXPECT_EQ(Yaml(R"([{"id": "a", "m": 1}, {"id": "b", "m": 2}])"),
            "- id: a\n  m: 1\n- id: b\n  m: 2\n");
}

TEST(Yaml, WritesEmptyStructuresInOneWord) {
  EXPECT_EQ(Yaml("[]"), "[]\n");
  EXPECT_EQ(Yaml("{}"), "{}\n");
  EXPECT_EQ(Yaml(R"({"a": {}, "b": [[], {}]})"), "a: {}\nb:\n  - []\n  - {}\n");
}

TEST(Yaml, QuotesWhatWouldBeReadAsSomethingElse) {
  for (const char* text :
       {"",           "true",  "No", "on",  "null", "~",    "12",   "1.5",  "0x1f", "1e3",
        "2026-11-24", "12:30", "-",  "- a", " a",   "a ",   "a: b", "a #b", "#a",   "*a",
        "&a",         "!a",    "%a", "@a",  "`a",   "{a",   "[a",   "a,b",  "\"a",  "'a",
        "a\nb",       "|",     ">",  "?",   "=",    "a\\b", "\x01", "y"}) {
    Document document = Document::object();
    document["k"] = text;
    EXPECT_EQ(ToYaml(document), "k: " + ToCompactJson(Document(text)) + "\n") << text;
  }
}

TEST(Yaml, QuotesKeysByTheSameRule) {
  EXPECT_EQ(Yaml(R"({"a.b/c": 1, "a: b": 2, "12": 3, "": 4})"),
            "a.b/c: 1\n\"a: b\": 2\n\"12\": 3\n\"\": 4\n");
}

}  // namespace
}  // namespace boxlite::cli
