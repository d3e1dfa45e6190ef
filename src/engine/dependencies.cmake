# The arithmetic lies in a folder of its own and is compiled once for each instruction set.
file(GLOB engine_kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/engine/kernels/*.cpp)
tenon_add_multiarch_sources(tenon_engine TABLE engine_kernels SOURCES ${engine_kernels}
  ISAS ${TENON_ENGINE_ISAS})
target_include_directories(tenon_engine PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/engine)
target_link_libraries(tenon_engine PUBLIC tenon::memory)
