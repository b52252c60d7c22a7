# What every target of ours is compiled with. One interface target, linked by boxlite_library() and
# boxlite_program(), so that no target can forget it.
add_library(boxlite_options INTERFACE)
target_include_directories(boxlite_options INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_options(boxlite_options INTERFACE
  -Wall -Wextra -Wshadow -Wno-missing-field-initializers
  -Werror=switch -Werror=unused-result -Werror=return-type -fstack-protector-strong)
target_link_options(boxlite_options INTERFACE -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 sees uninitialised reads inside kj::Maybe where there are none.
  # At -O3 it also warns of text that overlaps, wherever a character is put before a string.
  target_compile_options(boxlite_options INTERFACE
    -Wno-maybe-uninitialized $<$<CONFIG:Release>:-Wno-restrict>)
endif()
if(BOXLITE_FAILPOINTS)
  target_compile_definitions(boxlite_options INTERFACE BOXLITE_FAILPOINTS)
endif()
if(BOXLITE_WERROR)
  target_compile_options(boxlite_options INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT BOXLITE_SANITIZE)
  target_compile_definitions(boxlite_options INTERFACE _FORTIFY_SOURCE=2)
endif()
if(BOXLITE_SANITIZE)
  target_compile_options(boxlite_options INTERFACE
    -fsanitize=${BOXLITE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(boxlite_options INTERFACE -fsanitize=${BOXLITE_SANITIZE})
  # Debian's kj is built without vptr information for clang's check.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND BOXLITE_SANITIZE MATCHES "undefined")
    target_compile_options(boxlite_options INTERFACE -fno-sanitize=vptr,function)
  endif()
endif()
if(BOXLITE_SANITIZE MATCHES "thread")
  target_compile_definitions(boxlite_options INTERFACE BOXLITE_TSAN)
endif()
if(BOXLITE_FUZZ)
  # Everything tells libFuzzer which way it went; only the fuzz targets have its main().
  target_compile_options(boxlite_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(boxlite_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(BOXLITE_COVERAGE)
  target_compile_options(boxlite_options INTERFACE --coverage)
  target_link_options(boxlite_options INTERFACE --coverage)
endif()
