#include "boxlite/cli/complete_line.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "boxlite/cli/help.h"
#include "boxlite/cli/subcommand.h"

namespace boxlite::cli {
namespace {

constexpr std::array<std::string_view, 10> kSignals = {"TERM", "KILL", "INT",  "HUP",  "QUIT",
                                                       "USR1", "USR2", "STOP", "CONT", "WINCH"};

std::vector<std::string> Split(std::string_view text, char mark) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == mark) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool IsLiteral(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
  });
}

const Option* Find(std::span<const Option> options, const auto& matches) {
  const auto found = std::find_if(options.begin(), options.end(), matches);
  return found == options.end() ? nullptr : &*found;
}

class Completer {
 public:
  Completer(std::span<const std::string> words, const BoxNames& boxes, const ImageNames& images)
      : words_(words.subspan(0, words.size() - 1)),
        current_(words.back()),
        boxes_(boxes),
        images_(images) {}

  Completions Run() {
    if (!WalkToVerb()) return std::move(result_);
    if (verb_ == "help") {
      OfferVerbs();
    } else if (const Subcommand* subcommand = FindSubcommand(verb_); subcommand != nullptr) {
      CompleteVerb(*subcommand);
    }
    return std::move(result_);
  }

 private:
  // False: the verb is not there yet, and what may stand before it was offered.
  bool WalkToVerb() {
    const Syntax syntax = {ProgramOptions(), {}, Positionals::kEndOptions};
    const Option* open = nullptr;
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (open != nullptr) {
        NoteHome(*open, word);
        open = nullptr;
      } else if (word.starts_with('-')) {
        open = TakeOption(syntax, word);
      } else {
        verb_ = word;
        return true;
      }
    }
    if (open != nullptr) {
      OfferValue(*open, "");
    } else if (current_.starts_with('-')) {
      OfferOptions(syntax);
    } else {
      OfferVerbs();
    }
    return false;
  }

  void CompleteVerb(const Subcommand& subcommand) {
    const Option* open = nullptr;
    bool options_end = false;
    std::size_t positionals = 0;
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (open != nullptr) {
        NoteHome(*open, word);
        open = nullptr;
      } else if (!options_end && word == "--") {
        options_end = true;
      } else if (!options_end && word.size() > 1 && word[0] == '-') {
        open = TakeOption(subcommand.syntax, word);
      } else {
        ++positionals;
        if (subcommand.syntax.positionals == Positionals::kEndOptions) options_end = true;
      }
    }
    if (open != nullptr) {
      OfferValue(*open, "");
    } else if (!options_end && current_.starts_with('-')) {
      const std::size_t equals = current_.find('=');
      const Option* option =
          equals == std::string::npos
              ? nullptr
              : FindLong(subcommand.syntax, std::string_view(current_).substr(0, equals));
      if (option != nullptr) {
        OfferValue(*option, current_.substr(0, equals + 1));
      } else {
        OfferOptions(subcommand.syntax);
      }
    } else {
      OfferPositional(subcommand.usage, positionals);
    }
  }

  static const Option* FindLong(const Syntax& syntax, std::string_view word) {
    if (!word.starts_with("--")) return nullptr;
    const auto named = [&](const Option& option) { return option.name == word.substr(2); };
    const Option* option = Find(syntax.options, named);
    return option != nullptr ? option : Find(CommonOptions(), named);
  }

  // The option whose value is the next word; nullptr: none.
  const Option* TakeOption(const Syntax& syntax, const std::string& word) {
    if (word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      const Option* option = FindLong(syntax, std::string_view(word).substr(0, equals));
      if (option == nullptr || option->value.empty()) return nullptr;
      if (equals == std::string::npos) return option;
      NoteHome(*option, word.substr(equals + 1));
      return nullptr;
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      const Option* option = Find(
          syntax.options, [&](const Option& candidate) { return candidate.letter == word[i]; });
      if (option == nullptr) continue;
      // Behind the letter stands its value, unless it is the last.
      if (!option->value.empty()) return i + 1 == word.size() ? option : nullptr;
    }
    return nullptr;
  }

  void NoteHome(const Option& option, const std::string& value) {
    if (option.name == "home") home_ = value;
  }

  void Offer(const std::string& value, std::string_view help = {}) {
    if (value.starts_with(current_)) result_.candidates.push_back({value, std::string(help)});
  }

  void OfferVerbs() {
    for (const Subcommand* subcommand : AllSubcommands()) {
      Offer(std::string(subcommand->name), subcommand->purpose);
    }
    if (verb_.empty()) Offer("help", "Explain a command");
  }

  void OfferOptions(const Syntax& syntax) {
    for (const std::span<const Option> options : {syntax.options, CommonOptions()}) {
      for (const Option& option : options) Offer("--" + std::string(option.name), option.help);
    }
  }

  void OfferBoxes(const std::string& mark) {
    for (const Candidate& box : boxes_(home_)) Offer(box.value + mark, box.help);
  }

  // `placeholder`: what help calls it.
  void OfferFor(const std::string& placeholder, const std::string& prefix) {
    for (const std::string& word : Split(placeholder, '|')) {
      if (word.starts_with("BOX:")) {
        OfferBoxes(":");
      } else if (word == "BOX") {
        OfferBoxes("");
      } else if (word == "IMAGE" && images_) {
        for (const Candidate& image : images_(home_)) Offer(image.value, image.help);
      } else if (word == "FILE" || word == "PATH") {
        result_.files = Completions::Files::kAny;
      } else if (word == "DIR") {
        result_.files = Completions::Files::kDirectories;
      } else if (word == "SIGNAL") {
        for (const std::string_view name : kSignals) Offer(prefix + std::string(name));
      } else if (IsLiteral(word)) {
        Offer(prefix + word);
      }
    }
  }

  void OfferValue(const Option& option, const std::string& prefix) {
    OfferFor(std::string(option.value), prefix);
  }

  void OfferPositional(std::string_view usage, std::size_t position) {
    std::size_t at = 0;
    for (std::string word : Split(usage, ' ')) {
      const bool repeats = word.find("...") != std::string::npos;
      std::erase_if(word, [](char c) { return c == '[' || c == ']' || c == '.'; });
      if (word == "OPTIONS" || word == "--") continue;
      if (at++ == position || repeats) return OfferFor(word, "");
    }
  }

  std::span<const std::string> words_;
  std::string current_;
  const BoxNames& boxes_;
  const ImageNames& images_;
  std::size_t next_ = 0;
  std::string verb_;
  std::string home_;
  Completions result_;
};

bool IsBreak(const std::string& word) { return word == "=" || word == ":"; }

}  // namespace

Completions CompleteLine(std::span<const std::string> words, const BoxNames& boxes,
                         const ImageNames& images) {
  if (words.empty()) return {};
  return Completer(words, boxes, images).Run();
}

Result<Shell> ParseShell(const std::string& name) {
  if (name == "bash") return Shell::kBash;
  if (name == "zsh") return Shell::kZsh;
  if (name == "fish") return Shell::kFish;
  return Error(ErrorCode::kInvalidArgument,
               "there is no completion for '" + name + "'; there is for bash, zsh and fish");
}

std::string CompletionLines(Shell shell, std::span<const std::string> words, const BoxNames& boxes,
                            const ImageNames& images) {
  std::vector<std::string> joined;
  std::size_t kept = 0;  // of each candidate, what stands before the last break
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool glued =
        shell == Shell::kBash && i > 0 && (IsBreak(words[i]) || IsBreak(words[i - 1]));
    if (glued) {
      kept = joined.back().size() + (IsBreak(words[i]) ? words[i].size() : 0);
      joined.back() += words[i];
    } else {
      joined.push_back(words[i]);
      kept = 0;
    }
  }
  const Completions completions = CompleteLine(joined, boxes, images);
  std::string lines;
  for (const Candidate& candidate : completions.candidates) {
    lines += candidate.value.substr(std::min(kept, candidate.value.size()));
    if (shell != Shell::kBash && !candidate.help.empty()) lines += "\t" + candidate.help;
    lines += "\n";
  }
  switch (completions.files) {
    case Completions::Files::kNone:
      return lines + ":none\n";
    case Completions::Files::kAny:
      return lines + ":files\n";
    case Completions::Files::kDirectories:
      return lines + ":directories\n";
  }
  return lines;
}

}  // namespace boxlite::cli
