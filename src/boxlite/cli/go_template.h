// The part of Go's templates that people use with `inspect -f`: fields, json, index, len, if and
// range. Pure. What is not in it is refused by name; it is never passed over.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boxlite/base/result.h"
#include "boxlite/cli/document.h"

namespace boxlite::cli {

//   {{.}} {{.A.B}}            a field; text as it is, an object or array as JSON, null as <no
//   value>
//   {{json X}} {{len X}}      X is . or a field
//   {{index X "key" 0}}       a member of an object, an element of an array
//   {{if E}} {{range E}}      with {{else}}, closed by {{end}}; in range . is the element
//   {{- and -}}               take away white space beside them
class GoTemplate {
 public:
  // kInvalidArgument or kUnsupported, naming the part at fault.
  static Result<GoTemplate> Parse(std::string_view text);

  GoTemplate(GoTemplate&&) noexcept;
  GoTemplate& operator=(GoTemplate&&) noexcept;
  ~GoTemplate();

  // kInvalidArgument for a field that is not there (the message lists those that are), and for an
  // operation that the value does not allow.
  Result<std::string> Execute(const Document& dot) const;

  struct Node;

 private:
  explicit GoTemplate(std::vector<Node> nodes);
  std::vector<Node> nodes_;
};

}  // namespace boxlite::cli
