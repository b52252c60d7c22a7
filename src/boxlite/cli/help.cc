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

// By name, so that a verb's file need not know of it; separated by spaces.
struct GroupNames {
  std::string_view title;
  std::string_view verbs;
};
constexpr GroupNames kGroups[] = {
    {"Common commands", "run exec ls logs stop rm"},
    {"Boxes", "create start restart kill wait attach cp"},
    {"Looking", "inspect events top stats"},
    {"Images", "images pull load import save tag rmi image login logout"},
    {"Management", "rename prune gc info doctor completion version"},
};

bool IsWordOf(std::string_view words, std::string_view word) {
  const std::string padded = " " + std::string(words) + " ";
  return padded.find(" " + std::string(word) + " ") != std::string::npos;
}

}  // namespace

std::vector<VerbGroup> VerbGroups() {
  std::vector<VerbGroup> groups;
  for (const GroupNames& names : kGroups) groups.push_back({names.title, {}});
  VerbGroup others = {"Other commands", {}};
  for (const Subcommand* subcommand : AllSubcommands()) {
    const auto names = std::find_if(std::begin(kGroups), std::end(kGroups), [&](const auto& group) {
      return IsWordOf(group.verbs, subcommand->name);
    });
    VerbGroup& group = names == std::end(kGroups)
                           ? others
                           : groups[static_cast<std::size_t>(names - std::begin(kGroups))];
    group.verbs.push_back(subcommand);
  }
  if (!others.verbs.empty()) groups.push_back(std::move(others));
  return groups;
}

std::string ProgramHelp() {
  std::string text =
      std::string(kProgramPurpose) + "\nUsage: boxlite [--home DIR] COMMAND [ARG...]\n";
  std::size_t width = 0;
  for (const Subcommand* subcommand : AllSubcommands()) {
    width = std::max(width, subcommand->name.size());
  }
  std::vector<Row> rows;
  for (const VerbGroup& group : VerbGroups()) {
    rows.clear();
    for (const Subcommand* subcommand : group.verbs) {
      std::string name(subcommand->name);
      name.resize(width, ' ');  // one column for all groups
      rows.push_back({std::move(name), subcommand->purpose});
    }
    text += "\n" + std::string(group.title) + ":\n" + TwoColumns(rows);
  }
  text += "\nOptions:\n";
  rows.clear();
  for (const Option& option : CommonOptions()) rows.push_back(OptionRow(option, false));
  for (const Option& option : ProgramOptions()) rows.push_back(OptionRow(option, false));
  text += TwoColumns(rows);
  text += "\nExamples:\n" + Indented(kProgramExamples);
  text +=
      "\n'boxlite COMMAND --help' explains a command. 'boxlite doctor' looks at this host.\n"
      "'source <(boxlite completion bash)' completes commands and boxes in your shell.\n";
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
