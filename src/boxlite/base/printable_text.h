// PrintableText: what a stranger wrote, made fit for a message.
#pragma once

#include <string>
#include <string_view>

namespace boxlite {

// Bounded to 4 KiB, and without control characters (but for newline and tab): a guest or a server
// must not drive the terminal on which its error is printed.
std::string PrintableText(std::string_view untrusted);

}  // namespace boxlite
