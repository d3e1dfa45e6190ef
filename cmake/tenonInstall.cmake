# Install and export, so that find_package(tenon) gives tenon::tenon, tenon::memory, tenon::engine and, where
# it was built, tenon::io.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tenon)

set(compiled tenon_memory tenon_engine)
if(TARGET tenon_io)
  list(APPEND compiled tenon_io)
endif()
install(TARGETS tenon ${compiled} EXPORT tenonTargets
  FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET tenon_command)
  install(TARGETS tenon_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(EXPORT tenonTargets NAMESPACE tenon:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tenonConfig.cmake.in
  ${PROJECT_BINARY_DIR}/tenonConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tenonConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(
  FILES ${PROJECT_BINARY_DIR}/tenonConfig.cmake
        ${PROJECT_BINARY_DIR}/tenonConfigVersion.cmake
        ${PROJECT_SOURCE_DIR}/cmake/tenonDependencies.cmake
        ${PROJECT_SOURCE_DIR}/cmake/tenonMultiarch.cmake
  DESTINATION ${package_dir})
