// Where kj's exceptions, the wire's Error struct and our Result meet.
#pragma once

#include <kj/exception.h>

#include <string>
#include <string_view>

#include "boxlite/base/printable_text.h"
#include "boxlite/base/result.h"
#include "types.capnp.h"

namespace boxlite {

Error FromException(const kj::Exception& exception);
Status FromWire(wire::Error::Reader error);
void ToWire(const Error& error, wire::Error::Builder out);
void ToWire(const Status& status, wire::Error::Builder out);

inline kj::ArrayPtr<const kj::byte> AsBytes(std::string_view text) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(text.data()), text.size());
}
inline std::string_view AsText(kj::ArrayPtr<const kj::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

}  // namespace boxlite
