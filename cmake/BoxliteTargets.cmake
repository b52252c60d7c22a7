# boxlite_library(NAME SOURCES ... LINKS ... [TESTS ...])
#   A static library boxlite_NAME for one folder. What it may include is what it links. TESTS are the
#   *_test.cc beside the sources; they become one program boxlite_NAME_test with label "unit".
# boxlite_program(NAME DIR SOURCES ... LINKS ...)
#   A program, linked statically unless BOXLITE_STATIC is off or a sanitizer is on.
# boxlite_test(NAME LABEL SOURCES ... LINKS ...)
#   A gtest program; each TEST in it is a CTest test with LABEL.
function(boxlite_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;TESTS;TEST_LINKS" ${ARGN})
  add_library(boxlite_${name} STATIC ${ARG_SOURCES})
  add_library(boxlite::${name} ALIAS boxlite_${name})
  target_link_libraries(boxlite_${name} PUBLIC boxlite_options ${ARG_LINKS})
  if(BUILD_TESTING AND ARG_TESTS)
    boxlite_test(boxlite_${name}_test unit SOURCES ${ARG_TESTS}
                 LINKS boxlite_${name} ${ARG_TEST_LINKS})
  endif()
endfunction()

function(boxlite_program name dir)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE boxlite_options ${ARG_LINKS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${dir}")
  if(BOXLITE_STATIC AND NOT BOXLITE_SANITIZE AND NOT BOXLITE_COVERAGE)
    target_link_options(${name} PRIVATE -static -Wl,--gc-sections)
  endif()
endfunction()

function(boxlite_test name label)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE boxlite_options ${ARG_LINKS} GTest::gtest GTest::gmock
                        GTest::gtest_main)
  gtest_discover_tests(${name} PROPERTIES LABELS "${label}" TIMEOUT 600 DISCOVERY_TIMEOUT 60)
endfunction()
