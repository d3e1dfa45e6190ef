# Packages of tenon::io. None of their headers reaches a user; zlib is named plainly, so that the installed
# package can move.
target_include_directories(tenon_io SYSTEM PRIVATE
  ${TENON_NLOHMANN_JSON_INCLUDE_DIR} ${TENON_ZLIB_INCLUDE_DIR})
target_link_libraries(tenon_io PRIVATE z)
