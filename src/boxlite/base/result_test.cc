#include "boxlite/base/result.h"

#include <cerrno>
#include <memory>
#include <set>

#include "boxlite/base/testing.h"

namespace boxlite {
namespace {

Result<int> Half(int number) {
  if (number % 2 != 0) return Error(ErrorCode::kInvalidArgument, "odd");
  return number / 2;
}

Result<int> Quarter(int number) {
  BOXLITE_ASSIGN_OR_RETURN(const int half, Half(number));
  BOXLITE_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

Status OnlyEven(int number) {
  BOXLITE_RETURN_IF_ERROR(Half(number));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*Half(4), 2);
  EXPECT_THAT(Half(3), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_TRUE(static_cast<bool>(Half(2)));
  EXPECT_FALSE(static_cast<bool>(Half(1)));
}

TEST(Result, TheMacrosReturnTheFirstError) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_THAT(Quarter(6), HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(OnlyEven(2), IsOk());
  EXPECT_THAT(OnlyEven(1), HasCode(ErrorCode::kInvalidArgument));
}

TEST(Result, CarriesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(Error, WhileReadsFromTheOutermostToTheCause) {
  Error error = Error(ErrorCode::kNotFound, "no file").While("read the spec").While("start web");
  EXPECT_EQ(error.message(), "start web: read the spec: no file");
  EXPECT_EQ(error.code(), ErrorCode::kNotFound);
}

TEST(Error, OfASystemCallFollowsErrno) {
  EXPECT_EQ(ErrnoError("x", ENOENT).code(), ErrorCode::kNotFound);
  EXPECT_EQ(ErrnoError("x", EEXIST).code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(ErrnoError("x", EACCES).code(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(ErrnoError("x", ENOSPC).code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(ErrnoError("x", EPIPE).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(ErrnoError("x", ENAMETOOLONG).code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ErrnoError("x", EIO).code(), ErrorCode::kInternal);
  EXPECT_NE(ErrnoError("open it", ENOENT).message().find("open it: "), std::string::npos);
}

TEST(ErrorCodes, HaveDistinctNumbersAndNamesAndComeBackFromTheirNumbers) {
  std::set<std::uint16_t> numbers;
  std::set<std::string_view> names;
#define BOXLITE_X(enumerator, number, name)                              \
  EXPECT_TRUE(numbers.insert(number).second) << name;                    \
  EXPECT_TRUE(names.insert(name).second) << name;                        \
  EXPECT_EQ(ErrorCodeFromNumber(number), ErrorCode::enumerator) << name; \
  EXPECT_EQ(ErrorCodeName(ErrorCode::enumerator), std::string_view(name));
  BOXLITE_ERROR_CODES(BOXLITE_X)
#undef BOXLITE_X
}

TEST(ErrorCodes, AnUnknownNumberIsInternal) {
  EXPECT_EQ(ErrorCodeFromNumber(0), ErrorCode::kInternal);
  EXPECT_EQ(ErrorCodeFromNumber(65535), ErrorCode::kInternal);
  EXPECT_EQ(ErrorCodeName(static_cast<ErrorCode>(60000)), "internal");
}

TEST(ResultDeathTest, TheValueOfAnErrorIsABugThatAborts) {
  EXPECT_DEATH({ static_cast<void>(*Half(1)); }, "");
  EXPECT_DEATH({ static_cast<void>(Half(2).error().code()); }, "");
  EXPECT_DEATH({ static_cast<void>(Status().error().code()); }, "");
  EXPECT_DEATH(BOXLITE_CHECK(1 + 1 == 3), "broken invariant.*1 \\+ 1 == 3");
}

TEST(Cleanup, RunsOnceAtTheEndOfTheScopeUnlessCancelled) {
  int runs = 0;
  {
    Cleanup count([&] { ++runs; });
    EXPECT_EQ(runs, 0);
  }
  EXPECT_EQ(runs, 1);
  {
    Cleanup count([&] { ++runs; });
    count.Cancel();
  }
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace boxlite
