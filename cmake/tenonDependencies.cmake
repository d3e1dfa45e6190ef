# The dependencies of tenon::tenon, headers only. Used by the build and by the installed config.

# Defines tenon::<package>_headers with nothing but an include directory: the one of the package's
# own CMake config (its target `target`), or else where `header` lies. The package's target itself
# is not linked because Debian's xsimd 8.1 names a library there, "xtl", that does not exist.
function(tenon_find_headers package target header)
  if(TARGET tenon::${package}_headers)
    return()
  endif()
  find_package(${package} ${ARGN} CONFIG QUIET)
  if(TARGET ${target})
    get_target_property(directory ${target} INTERFACE_INCLUDE_DIRECTORIES)
  else()
    find_path(TENON_${package}_INCLUDE_DIR ${header})
    mark_as_advanced(TENON_${package}_INCLUDE_DIR)
    set(directory ${TENON_${package}_INCLUDE_DIR})
  endif()
  if(NOT directory)
    message(FATAL_ERROR "Tenon needs ${package} and finds no ${header}. "
      "On Debian: apt-get install libboost-dev libxsimd-dev")
  endif()
  add_library(tenon::${package}_headers INTERFACE IMPORTED GLOBAL)
  target_include_directories(tenon::${package}_headers INTERFACE ${directory})
endfunction()

tenon_find_headers(Boost Boost::headers boost/hana/basic_tuple.hpp 1.74)
tenon_find_headers(xsimd xsimd xsimd/xsimd.hpp)
