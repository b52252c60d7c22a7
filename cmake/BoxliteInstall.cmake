# What `cmake --install` puts where, and the three Debian packages made of it (./tools/dev package). Every
# place is below one prefix and is found from the library's or the program's own file: the tree may be moved.
include(CMakePackageConfigHelpers)
set(helpers "${CMAKE_INSTALL_LIBEXECDIR}/boxlite")
set(config "${CMAKE_INSTALL_LIBDIR}/cmake/boxlite")

install(TARGETS boxlite RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT tools)
install(TARGETS boxlite-shim boxlite-image RUNTIME DESTINATION "${helpers}" COMPONENT tools)
if(BOXLITE_GUEST)
  install(FILES "${BOXLITE_LIBEXEC_DIR}/vmlinux" "${BOXLITE_LIBEXEC_DIR}/initramfs.cpio"
          DESTINATION "${helpers}" COMPONENT tools)
  install(FILES "${BOXLITE_LIBEXEC_DIR}/images/base/base.ext4"
                "${BOXLITE_LIBEXEC_DIR}/images/base/image.json"
          DESTINATION "${helpers}/images/base" COMPONENT tools)
endif()
install(FILES README.md CHANGELOG.md LICENSE DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT tools)
install(DIRECTORY docs/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/docs" COMPONENT tools)

install(TARGETS boxlite_shared EXPORT boxliteTargets
        LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library
        NAMELINK_COMPONENT development)
install(DIRECTORY include/boxlite DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
install(EXPORT boxliteTargets NAMESPACE boxlite:: DESTINATION "${config}" COMPONENT development)
configure_package_config_file(cmake/boxliteConfig.cmake.in boxliteConfig.cmake
                              INSTALL_DESTINATION "${config}")
# Before 1.0 a minor version may break: 0.1 does not serve who asks for 0.2.
write_basic_package_version_file(boxliteConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH BOXLITE_PC_UP "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" BOXLITE_PC_UP "${BOXLITE_PC_UP}")
configure_file(cmake/boxlite.pc.in boxlite.pc @ONLY)
install(FILES "${CMAKE_BINARY_DIR}/boxliteConfig.cmake"
              "${CMAKE_BINARY_DIR}/boxliteConfigVersion.cmake"
        DESTINATION "${config}" COMPONENT development)
install(FILES "${CMAKE_BINARY_DIR}/boxlite.pc"
        DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT development)
install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/libboxlite-dev"
        COMPONENT development)

# CPack rather than a debian/ directory: these are the rules above a second time, with the dependencies
# that dpkg-shlibdeps finds, and nothing more.
set(BOXLITE_COPYRIGHT "${CMAKE_BINARY_DIR}/copyright")
foreach(package boxlite libboxlite${PROJECT_VERSION_MAJOR} libboxlite-dev)
  set(component tools)
  if(package MATCHES "-dev$")
    set(component development)
  elseif(package MATCHES "^lib")
    set(component library)
  endif()
  install(FILES "${BOXLITE_COPYRIGHT}" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}"
          COMPONENT ${component} OPTIONAL)
endforeach()
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL tools library development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME boxlite)
set(CPACK_PACKAGE_CONTACT "The BoxLite for C++ authors <boxlite@localhost>")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_BINARY_DIR}/lib")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME boxlite)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "qemu-system-x86 (>= 1:7.2), qemu-utils")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION
    "Micro virtual machines for code that is not trusted\n The command line, the supervisor and the parts of the guest.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libboxlite${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "boxlite (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${CMAKE_SOURCE_DIR}/tools/package/triggers")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "Micro virtual machines for code that is not trusted: the library\n For programs that run boxes of their own.")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libboxlite-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "libboxlite${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION})")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "Micro virtual machines for code that is not trusted: headers\n Headers, CMake and pkg-config files, examples.")
include(CPack)
