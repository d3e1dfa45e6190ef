# Optional packages of tenon::memory. They are named plainly, so that the installed package can move.

# Function names, files and lines in call stacks; without it, the names that the dynamic linker knows.
find_library(TENON_STACKTRACE_LIBRARY boost_stacktrace_backtrace)
mark_as_advanced(TENON_STACKTRACE_LIBRARY)
if(TENON_STACKTRACE_LIBRARY)
  target_compile_definitions(tenon_memory PRIVATE TENON_STACKTRACE_LINK=1)
  target_link_libraries(tenon_memory PRIVATE boost_stacktrace_backtrace)
else()
  message(STATUS "tenon::memory: call stacks without file and line; "
    "on Debian: apt-get install libboost-stacktrace-dev")
endif()
target_link_libraries(tenon_memory PRIVATE ${CMAKE_DL_LIBS})

# Pages of one NUMA node; without it numa_page_resource(0) is page_resource().
find_library(TENON_NUMA_LIBRARY numa)
find_path(TENON_NUMA_INCLUDE_DIR numaif.h)
mark_as_advanced(TENON_NUMA_LIBRARY TENON_NUMA_INCLUDE_DIR)
if(TENON_NUMA_LIBRARY AND TENON_NUMA_INCLUDE_DIR)
  target_compile_definitions(tenon_memory PRIVATE TENON_HAS_NUMA=1)
  target_link_libraries(tenon_memory PRIVATE numa)
else()
  message(STATUS "tenon::memory: no NUMA nodes; on Debian: apt-get install libnuma-dev")
endif()
