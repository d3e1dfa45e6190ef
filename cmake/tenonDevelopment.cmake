# What tests, examples and benchmarks share. Nothing here reaches tenon::tenon.

if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(TENON_CCACHE ccache)
  mark_as_advanced(TENON_CCACHE)
  if(TENON_CCACHE)
    # Paths relative to the checkout, so that a fresh clone finds what another one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${TENON_CCACHE})
  endif()
endif()

set(isa_native -march=native)
set(isa_sse2 -march=x86-64)
set(isa_avx2 -march=x86-64-v3)
set(isa_avx512 -march=x86-64-v4)
set(isa_none "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(isa_native -mcpu=native)
endif()
if(CMAKE_CROSSCOMPILING)
  set(isa_native "")
endif()
if(NOT DEFINED isa_${TENON_ISA})
  message(FATAL_ERROR "TENON_ISA is '${TENON_ISA}'; use native, sse2, avx2, avx512 or none.")
endif()

add_library(tenon_development INTERFACE)
target_link_libraries(tenon_development INTERFACE tenon::tenon)
target_compile_options(tenon_development INTERFACE
  -Wall -Wextra -Wconversion -Wshadow $<$<BOOL:${TENON_WERROR}>:-Werror> ${isa_${TENON_ISA}})
if(NOT TENON_CHECKED STREQUAL "default")
  target_compile_definitions(tenon_development INTERFACE TENON_CHECKED=$<BOOL:${TENON_CHECKED}>)
endif()
