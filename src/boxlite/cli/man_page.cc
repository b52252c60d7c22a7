#include "boxlite/cli/man_page.h"

#include <algorithm>
#include <cctype>

#include "boxlite/cli/help.h"
#include "boxlite/cli/version.h"

namespace boxlite::cli {
namespace {

// As plain text: roff acts on a backslash anywhere, on a dot or an apostrophe at a line's begin,
// and takes a bare hyphen for a place to break.
std::string Escaped(std::string_view text) {
  std::string out;
  bool at_begin = true;
  for (const char c : text) {
    if (at_begin && (c == '.' || c == '\'')) out += "\\&";
    at_begin = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return upper;
}

std::string Title(const std::string& name, const std::string& date) {
  return ".TH " + Escaped(Upper(name)) + " 1 " + date + " \"boxlite " + VersionText() +
         "\" \"BoxLite\"\n";
}

// An empty line between paragraphs is a macro of its own.
std::string Paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += end == 0 ? ".PP\n" : Escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string Verbatim(std::string_view text) {
  std::string out = ".nf\n";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out += Escaped(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + ".fi\n";
}

std::string OptionEntry(const Option& option, bool letter_taken) {
  std::string out = ".TP\n";
  if (option.letter != 0 && !letter_taken) {
    out += std::string("\\fB\\-") + option.letter + "\\fR, ";
  }
  out += "\\fB\\-\\-" + Escaped(option.name) + "\\fR";
  if (!option.value.empty()) out += " \\fI" + Escaped(option.value) + "\\fR";
  return out + "\n" + Escaped(option.help) + ".\n";
}

std::string Options(std::span<const Option> options, std::span<const Option> more) {
  std::string out = ".SH OPTIONS\n";
  bool has_letter_h = false;
  for (const Option& option : options) {
    out += OptionEntry(option, false);
    has_letter_h = has_letter_h || option.letter == 'h';
  }
  for (const Option& option : more) out += OptionEntry(option, has_letter_h);
  return out;
}

constexpr std::string_view kEnvironment =
    ".SH ENVIRONMENT\n"
    ".TP\n\\fBBOXLITE_HOME\\fR\nWhere the boxes are, unless \\fB\\-\\-home\\fR says it.\n";

}  // namespace

std::string ProgramManPage(const std::string& date) {
  std::string out = Title("boxlite", date);
  out += ".SH NAME\nboxlite \\- run commands in boxes, small virtual machines\n";
  out +=
      ".SH SYNOPSIS\n\\fBboxlite\\fR [\\fB\\-\\-home\\fR \\fIDIR\\fR] \\fICOMMAND\\fR "
      "[\\fIARG\\fR...]\n";
  out += ".SH DESCRIPTION\n" + Paragraphs(kProgramPurpose);
  out += ".SH COMMANDS\n";
  for (const VerbGroup& group : VerbGroups()) {
    out += ".SS " + Escaped(group.title) + "\n";
    for (const Subcommand* subcommand : group.verbs) {
      out += ".TP\n\\fBboxlite\\-" + Escaped(subcommand->name) + "\\fR(1)\n" +
             Escaped(subcommand->purpose) + ".\n";
    }
  }
  out += Options(CommonOptions(), ProgramOptions());
  out += kEnvironment;
  return out + ".SH EXAMPLES\n" + Verbatim(kProgramExamples);
}

std::string SubcommandManPage(const Subcommand& subcommand, const std::string& date) {
  const std::string name = "boxlite-" + std::string(subcommand.name);
  std::string purpose(subcommand.purpose);
  purpose[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(purpose[0])));
  std::string out = Title(name, date);
  out += ".SH NAME\n" + Escaped(name) + " \\- " + Escaped(purpose) + "\n";
  out += ".SH SYNOPSIS\n\\fBboxlite " + Escaped(subcommand.name) + "\\fR " +
         Escaped(subcommand.usage) + "\n";
  out += ".SH DESCRIPTION\n" + Escaped(subcommand.purpose) + ".\n";
  if (!subcommand.notes.empty()) out += ".PP\n" + Paragraphs(subcommand.notes);
  if (!subcommand.aliases.empty()) {
    out += ".PP\nAlso called: " + Escaped(subcommand.aliases) + ".\n";
  }
  out += Options(subcommand.syntax.options, CommonOptions());
  out += ".SH EXAMPLES\n" + Verbatim(subcommand.examples);
  return out + ".SH SEE ALSO\n\\fBboxlite\\fR(1)\n";
}

}  // namespace boxlite::cli
