#include "boxlite/rpc/error_mapping.h"

namespace boxlite {

Error FromException(const kj::Exception& exception) {
  const auto description = exception.getDescription();
  std::string text = PrintableText({description.begin(), description.size()});
  switch (exception.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return Error(ErrorCode::kUnavailable, "the other side went away: " + text);
    case kj::Exception::Type::OVERLOADED:
      return Error(ErrorCode::kResourceExhausted, text);
    case kj::Exception::Type::UNIMPLEMENTED:
      return Error(ErrorCode::kUnsupported, "the other side is older and cannot do this: " + text);
    case kj::Exception::Type::FAILED:
      return Error(ErrorCode::kInternal, text);
  }
  return Error(ErrorCode::kInternal, text);
}

Status FromWire(wire::Error::Reader error) {
  if (error.getCode() == 0) return {};
  const auto message = error.getMessage();
  return Error(ErrorCodeFromNumber(error.getCode()),
               PrintableText({message.begin(), message.size()}));
}

void ToWire(const Error& error, wire::Error::Builder out) {
  out.setCode(static_cast<std::uint16_t>(error.code()));
  out.setMessage(error.message().c_str());
}

void ToWire(const Status& status, wire::Error::Builder out) {
  if (!status.ok()) ToWire(status.error(), out);
}

}  // namespace boxlite
