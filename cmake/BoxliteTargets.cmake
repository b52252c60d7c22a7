# boxlite_library(NAME SOURCES ... LINKS ... [TESTS ...] [TEST_LABELS ...])
#   A static library boxlite_NAME for one folder. What it may include is what it links. TESTS are the
#   *_test.cc beside the sources; they become one program boxlite_NAME_test with label "unit" and
#   TEST_LABELS.
# boxlite_program(NAME DIR SOURCES ... LINKS ...)
#   A program, linked statically unless BOXLITE_STATIC is off or a sanitizer is on.
# boxlite_test(NAME LABELS SOURCES ... LINKS ...)
#   A gtest program; each TEST in it is a CTest test with LABELS (a list: "lifecycle;concurrent"). What
#   they mean stands in docs/testing.md; those labelled `concurrent` are run again under TSan.
# boxlite_fuzzer(NAME SOURCES ... LINKS ...)
#   A libFuzzer program build/PRESET/fuzz/NAME (NAME ends in _fuzz) where BOXLITE_FUZZ is on; nothing
#   elsewhere. Its seeds stand in tests/corpus/NAME/.
add_custom_target(boxlite_fuzzers)
add_custom_target(boxlite_concurrent_tests)

function(boxlite_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;TESTS;TEST_LINKS;TEST_LABELS" ${ARGN})
  add_library(boxlite_${name} STATIC ${ARG_SOURCES})
  add_library(boxlite::${name} ALIAS boxlite_${name})
  target_link_libraries(boxlite_${name} PUBLIC boxlite_options ${ARG_LINKS})
  if(BUILD_TESTING AND ARG_TESTS)
    list(PREPEND ARG_TEST_LABELS unit)
    boxlite_test(boxlite_${name}_test "${ARG_TEST_LABELS}" SOURCES ${ARG_TESTS}
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

function(boxlite_test name labels)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE boxlite_options ${ARG_LINKS} GTest::gtest GTest::gmock
                        GTest::gtest_main)
  gtest_discover_tests(${name} PROPERTIES TIMEOUT 600 DISCOVERY_TIMEOUT 60)
  # gtest_discover_tests() cannot pass a list on: labels are set when CTest reads the tests' names.
  set(file "${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake")
  file(WRITE "${file}" "if(${name}_TESTS)\n"
       "  set_tests_properties(\${${name}_TESTS} PROPERTIES LABELS \"${labels}\")\n" "endif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${file}")
  if("concurrent" IN_LIST labels)
    add_dependencies(boxlite_concurrent_tests ${name})
  endif()
endfunction()

function(boxlite_fuzzer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT BOXLITE_FUZZ)
    return()
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE boxlite_options ${ARG_LINKS})
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/fuzz")
  add_dependencies(boxlite_fuzzers ${name})
endfunction()
