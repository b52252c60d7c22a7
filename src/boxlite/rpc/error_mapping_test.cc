#include "boxlite/rpc/error_mapping.h"

#include <capnp/message.h>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

kj::Exception ExceptionOf(kj::Exception::Type type, const char* text) {
  return kj::Exception(type, __FILE__, __LINE__, kj::str(text));
}

TEST(ErrorMapping, EachCodeSurvivesTheWire) {
  for (ErrorCode code : {
#define BOXLITE_X(enumerator, number, name) ErrorCode::enumerator,
           BOXLITE_ERROR_CODES(BOXLITE_X)
#undef BOXLITE_X
       }) {
    capnp::MallocMessageBuilder message;
    wire::Error::Builder out = message.initRoot<wire::Error>();
    ToWire(Error(code, "why it \"failed\""), out);
    Status back = FromWire(out.asReader());
    ASSERT_THAT(back, HasCode(code));
    EXPECT_EQ(back.error().message(), "why it \"failed\"");
  }
}

TEST(ErrorMapping, NoErrorIsOkInBothDirections) {
  capnp::MallocMessageBuilder message;
  wire::Error::Builder out = message.initRoot<wire::Error>();
  ToWire(Status(), out);
  EXPECT_EQ(out.getCode(), 0);
  EXPECT_THAT(FromWire(out.asReader()), IsOk());
  ToWire(Status(Error(ErrorCode::kTimeout, "late")), out);
  EXPECT_THAT(FromWire(out.asReader()), HasCode(ErrorCode::kTimeout));
}

TEST(ErrorMapping, ANewerPeersCodeIsInternalAndKeepsItsText) {
  capnp::MallocMessageBuilder message;
  wire::Error::Builder out = message.initRoot<wire::Error>();
  out.setCode(9999);
  out.setMessage("something new");
  Status back = FromWire(out.asReader());
  ASSERT_THAT(back, HasCode(ErrorCode::kInternal));
  EXPECT_EQ(back.error().message(), "something new");
}

TEST(ErrorMapping, AnExceptionsTypeDecidesTheCode) {
  using Type = kj::Exception::Type;
  EXPECT_EQ(FromException(ExceptionOf(Type::DISCONNECTED, "x")).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(FromException(ExceptionOf(Type::OVERLOADED, "x")).code(),
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(FromException(ExceptionOf(Type::UNIMPLEMENTED, "x")).code(), ErrorCode::kUnsupported);
  EXPECT_EQ(FromException(ExceptionOf(Type::FAILED, "x")).code(), ErrorCode::kInternal);
  EXPECT_NE(FromException(ExceptionOf(Type::FAILED, "the cause")).message().find("the cause"),
            std::string::npos);
}

TEST(PrintableText, ControlCharactersCannotReachATerminal) {
  EXPECT_EQ(PrintableText("a\x1b[2Jb\x07\x7f\r\b"), "a?[2Jb????");
  EXPECT_EQ(PrintableText(std::string_view("a\0b", 3)), "a?b");
  EXPECT_EQ(PrintableText("two\nlines\tand a tab"), "two\nlines\tand a tab");
  EXPECT_EQ(PrintableText("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
}

TEST(PrintableText, TheControlCharactersAbove127AreOnesToo) {
  // U+009B is CSI: a terminal in UTF-8 mode obeys it as it obeys ESC [.
  EXPECT_EQ(PrintableText("a\xc2\x9b"
                          "2Jb"),
            "a??2Jb");
  EXPECT_EQ(PrintableText("\xc2\x80\xc2\x9f"), "????");
  EXPECT_EQ(PrintableText("\xc2\xa0\xc2\xa9"), "\xc2\xa0\xc2\xa9");
  EXPECT_EQ(PrintableText("\xe2\x82\x9b"), "\xe2\x82\x9b") << "the inside of a longer character";
  EXPECT_EQ(PrintableText("ends with \xc2"), "ends with \xc2");
}

TEST(PrintableText, EndsAt4KiB) {
  EXPECT_EQ(PrintableText(std::string(4096, 'x')).size(), 4096u);
  EXPECT_EQ(PrintableText(std::string(4097, 'x')).size(), 4096u);
  EXPECT_EQ(PrintableText("").size(), 0u);
}

TEST(ErrorMapping, AHostileMessageIsBoundedAndPrintable) {
  capnp::MallocMessageBuilder message;
  wire::Error::Builder out = message.initRoot<wire::Error>();
  out.setCode(3);
  out.setMessage(kj::str(kj::repeat('\x1b', 100'000)));
  Status back = FromWire(out.asReader());
  ASSERT_THAT(back, HasCode(ErrorCode::kNotFound));
  EXPECT_EQ(back.error().message(), std::string(4096, '?'));
}

TEST(Bytes, AndTextAreTheSameMemory) {
  const std::string text("a\0\xff", 3);
  EXPECT_EQ(AsText(AsBytes(text)), text);
  EXPECT_EQ(AsBytes("").size(), 0u);
}

}  // namespace
}  // namespace boxlite
