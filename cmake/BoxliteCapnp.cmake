# Cap'n Proto from Debian, linked from its archives: the programs are static because start-up time is
# latency. Debian's archives are not position independent, hence -no-pie.
find_program(CAPNP_TOOL capnp REQUIRED)
find_program(CAPNPC_CXX_TOOL capnpc-c++ REQUIRED)
execute_process(COMMAND "${CAPNP_TOOL}" --version OUTPUT_VARIABLE BOXLITE_CAPNP_VERSION)
if(NOT BOXLITE_CAPNP_VERSION MATCHES "version 0\\.9\\.2")
  message(FATAL_ERROR "Cap'n Proto 0.9.2 is needed (Debian 12's), found: ${BOXLITE_CAPNP_VERSION}")
endif()
foreach(library kj kj-async capnp capnp-rpc)
  find_library(BOXLITE_LIB_${library} NAMES lib${library}.a REQUIRED)
endforeach()

add_library(boxlite_kj INTERFACE)
target_link_libraries(boxlite_kj INTERFACE
  "${BOXLITE_LIB_capnp-rpc}" "${BOXLITE_LIB_capnp}" "${BOXLITE_LIB_kj-async}" "${BOXLITE_LIB_kj}"
  pthread)
# libboxlite.so has objects of its own (src/boxlite/api) and sets BOXLITE_SHARED.
target_compile_options(boxlite_options INTERFACE
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:BOXLITE_SHARED>>>:-fno-pie>)
target_link_options(boxlite_options INTERFACE
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:BOXLITE_SHARED>>>:-no-pie>)

# boxlite_schema(TARGET FILE...): a library of the generated code; include "NAME.capnp.h".
function(boxlite_schema target)
  set(sources)
  foreach(file ${ARGN})
    set(output "${CMAKE_CURRENT_BINARY_DIR}/${file}.c++")
    add_custom_command(
      OUTPUT "${output}" "${CMAKE_CURRENT_BINARY_DIR}/${file}.h"
      COMMAND "${CAPNP_TOOL}" compile "-o${CAPNPC_CXX_TOOL}:${CMAKE_CURRENT_BINARY_DIR}"
              "--src-prefix=${CMAKE_CURRENT_SOURCE_DIR}" "${CMAKE_CURRENT_SOURCE_DIR}/${file}"
      DEPENDS ${ARGN} VERBATIM)
    list(APPEND sources "${output}")
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC "${CMAKE_CURRENT_BINARY_DIR}")
  target_compile_options(${target} PRIVATE -fno-pie -w)
  target_link_libraries(${target} PUBLIC boxlite_kj)
  # The same for libboxlite.so.
  add_library(${target}_pic OBJECT EXCLUDE_FROM_ALL ${sources})
  set_target_properties(${target}_pic PROPERTIES POSITION_INDEPENDENT_CODE ON
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${target}_pic SYSTEM PUBLIC "${CMAKE_CURRENT_BINARY_DIR}")
  target_compile_options(${target}_pic PRIVATE -w)
  add_dependencies(${target}_pic ${target})
endfunction()
