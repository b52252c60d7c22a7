// ShownPath: a path from an image as text for a person.
#pragma once

#include <string>
#include <string_view>

namespace boxlite {

// In single quotes; every byte that is not printable ASCII as \xNN; cut at 300 bytes.
std::string ShownPath(std::string_view path);

}  // namespace boxlite
