#include "boxlite/cli/go_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

Document Box() {
  return Document::parse(R"({
    "Id": "abc", "ImageDigest": "sha256:1", "Running": true, "Off": false, "ExitCode": null,
    "Zero": 0, "Memory": 536870912, "Empty": "", "Labels": {"a.b": "c", "none": ""}, "Env": ["A=1", "B=\"2\""],
    "Lives": [{"N": 1}, {"N": 2}], "State": {"Status": "running"}, "Nothing": []
  })");
}

std::string Render(const std::string& text) {
  Result<GoTemplate> form = GoTemplate::Parse(text);
  if (!form.ok()) return "does not parse: " + form.error().message();
  Result<std::string> rendered = form->Execute(Box());
  return rendered.ok() ? *rendered : "fails: " + rendered.error().message();
}

TEST(GoTemplate, ShowsFieldsAsText) {
  EXPECT_EQ(Render("{{.Id}}"), "abc");
  EXPECT_EQ(Render("{{ .State.Status }} of {{.Id}}!"), "running of abc!");
  EXPECT_EQ(Render("{{.Running}} {{.Memory}} {{.ExitCode}}"), "true 536870912 <no value>");
  EXPECT_EQ(Render("{{.Env}}"), R"(["A=1","B=\"2\""])");
  EXPECT_EQ(Render("no action"), "no action");
  EXPECT_EQ(Render(""), "");
}

TEST(GoTemplate, KnowsTheNamesThatOthersUse) {
  EXPECT_EQ(Render("{{.ID}} {{.ImageID}}"), "abc sha256:1");
}

TEST(GoTemplate, WritesJson) {
  EXPECT_EQ(Render("{{json .State}}"), R"({"Status":"running"})");
  EXPECT_EQ(Render("{{json .Id}}"), R"("abc")");
  EXPECT_EQ(Render("{{json .ExitCode}}"), "null");
}

TEST(GoTemplate, LooksUpMembersAndElements) {
  EXPECT_EQ(Render(R"({{index .Labels "a.b"}})"), "c");
  EXPECT_EQ(Render("{{index .Labels `a.b`}}"), "c");
  EXPECT_EQ(Render(R"({{index .Labels "missing"}})"), "");
  EXPECT_EQ(Render("{{index .Env 1}}"), "B=\"2\"");
  EXPECT_EQ(Render(R"({{index .Lives 1 "N"}})"), "2");
  EXPECT_THAT(Render("{{index .Env 2}}"), HasSubstr("beyond the end"));
  EXPECT_THAT(Render(R"({{index .Env "a"}})"), HasSubstr("fails"));
  EXPECT_EQ(Render("{{len .Env}} {{len .Id}} {{len .Labels}}"), "2 3 2");
}

TEST(GoTemplate, BranchesOnWhatGoCallsTrue) {
  EXPECT_EQ(Render("{{if .Running}}yes{{else}}no{{end}}"), "yes");
  for (const char* field : {".Off", ".ExitCode", ".Zero", ".Empty", ".Nothing"}) {
    EXPECT_EQ(Render("{{if " + std::string(field) + "}}yes{{else}}no{{end}}"), "no") << field;
  }
  EXPECT_EQ(Render("{{if .Off}}yes{{end}}"), "");
}

TEST(GoTemplate, RangesOverElements) {
  EXPECT_EQ(Render("{{range .Env}}<{{.}}>{{end}}"), "<A=1><B=\"2\">");
  EXPECT_EQ(Render("{{range .Lives}}{{if .N}}{{.N}};{{end}}{{end}}"), "1;2;");
  EXPECT_EQ(Render("{{range .Labels}}{{.}}{{end}}"), "c");
  EXPECT_EQ(Render("{{range .Nothing}}x{{else}}none{{end}}"), "none");
  EXPECT_THAT(Render("{{range .Id}}x{{end}}"), HasSubstr("fails"));
}

TEST(GoTemplate, TakesWhiteSpaceAwayBesideMarkers) {
  EXPECT_EQ(Render("a  {{- .Id -}}  b"), "aabcb");
  EXPECT_EQ(Render("{{range .Env -}}\n  {{.}}\n{{end}}"), "A=1\nB=\"2\"\n");
}

TEST(GoTemplate, NamesAFieldThatIsNotThereAndThoseThatAre) {
  EXPECT_THAT(Render("{{.State.Pid}}"), HasSubstr("no field .State.Pid; there are: Status"));
  EXPECT_THAT(Render("{{.Id.X}}"), HasSubstr("no .X in .Id"));
}

TEST(GoTemplate, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"{{.Id",
                           "{{}}",
                           "{{printf \"%s\" .Id}}",
                           "{{.Id | json}}",
                           "{{if .A}}",
                           "{{end}}",
                           "{{else}}",
                           "{{if .A}}{{else}}{{else}}{{end}}",
                           "{{if .A}}{{else if .B}}{{end}}",
                           "{{json}}",
                           "{{json .A .B}}",
                           "{{index .A}}",
                           "{{index .A \"open}}",
                           "{{.A .B}}",
                           "{{.A..B}}",
                           "{{.A-B}}",
                           "{{$x}}",
                           "{{/* c */}}",
                           "{{json (len .A)}}",
                           "{{range}}{{end}}",
                           "{{index .A \"\\q\"}}",
                           "{{Id}}"}) {
    EXPECT_THAT(Render(text), HasSubstr("does not parse")) << text;
  }
}

TEST(GoTemplate, RefusesToNestWithoutEnd) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "{{if .Id}}";
  EXPECT_THAT(Render(text), HasSubstr("nests too deeply"));
}

}  // namespace
}  // namespace boxlite::cli
