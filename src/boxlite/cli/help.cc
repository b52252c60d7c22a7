#include "boxlite/cli/help.h"

#include <algorithm>

namespace boxlite::cli {
namespace {

std::string Indented(std::string_view lines) {
  std::string text;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    text += "  " + std::string(lines.substr(0, end)) + "\n";
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return text;
}

struct Row {
  std::string left;
  std::string_view right;
};

std::string TwoColumns(const std::vector<Row>& rows) {
  std::size_t width = 0;
  for (const Row& row : rows) width = std::max(width, row.left.size());
  std::string text;
  for (const Row& row : rows) {
    text += "  " + row.left + std::string(width - row.left.size() + 2, ' ') +
            std::string(row.right) + "\n";
  }
  return text;
}

Row OptionRow(const Option& option, bool letter_taken) {
  std::string left =
      option.letter != 0 && !letter_taken ? std::string("-") + option.letter + ", " : "    ";
  left += "--" + std::string(option.name);
  if (!option.value.empty()) left += " " + std::string(option.value);
  return {std::move(left), option.help};
}

}  // namespace

std::string ProgramHelp() {
  std::string text =
      "boxlite runs commands in boxes: small virtual machines that live on their own.\n\n"
      "Usage: boxlite [--home DIR] COMMAND [ARG...]\n\nCommands:\n";
  std::vector<Row> rows;
  for (const Subcommand* subcommand : AllSubcommands()) {
    rows.push_back({std::string(subcommand->name), subcommand->purpose});
  }
  text += TwoColumns(rows);
  text += "\nOptions:\n";
  rows.clear();
  for (const Option& option : CommonOptions()) rows.push_back(OptionRow(option, false));
  rows.push_back({"-v, --version", "Show the version"});
  text += TwoColumns(rows);
  text +=
      "\nExamples:\n"
      "  boxlite run --rm boxlite/base uname -a       run a command, and forget the box\n"
      "  boxlite run -d --name web boxlite/base httpd -f\n"
      "  boxlite exec web ps                          use the box, from any later process\n"
      "  boxlite ls\n"
      "  boxlite rm -f web\n"
      "\n'boxlite COMMAND --help' explains a command. 'boxlite doctor' looks at this host.\n";
  return text;
}

std::string SubcommandHelp(const Subcommand& subcommand) {
  std::string text = std::string(subcommand.purpose) + "\n\nUsage: boxlite " +
                     std::string(subcommand.name) + " " + std::string(subcommand.usage) + "\n";
  if (!subcommand.aliases.empty()) text += "Also:  " + std::string(subcommand.aliases) + "\n";
  std::vector<Row> rows;
  bool has_letter_h = false;
  for (const Option& option : subcommand.syntax.options) {
    rows.push_back(OptionRow(option, false));
    has_letter_h = has_letter_h || option.letter == 'h';
  }
  for (const Option& option : CommonOptions()) rows.push_back(OptionRow(option, has_letter_h));
  text += "\nOptions:\n" + TwoColumns(rows);
  if (!subcommand.notes.empty()) text += "\n" + std::string(subcommand.notes);
  if (!subcommand.examples.empty()) text += "\nExamples:\n" + Indented(subcommand.examples);
  return text;
}

}  // namespace boxlite::cli
