# tenon_add_multiarch_sources(<target> TABLE <name> SOURCES <source>... [ISAS <isa>...] [LIBRARIES <library>...])
#
# Compiles the sources once for each instruction set (sse2 avx2 avx512, or neon; by default all that the target's
# processor family has) and adds them to <target>; one of them has TENON_DISPATCHED_TABLE(Type, <name>, ...). Where
# the program runs, <name>() is the best of them: see <tenon/core/dispatch.hpp>. The rest of <target> keeps its
# flags, and an inline function that it shares with these sources never is one of their copies: each instruction
# set's objects become one object of which only the entry is seen outside (ld -r, objcopy). So the sources have
# copies of their own of static data of inline functions, too, such as Tenon's error handler. (Not so under
# sanitizers, which do not stand it: there, run such a program where all of its instruction sets are.)
# They are compiled with the definitions, folders, options and libraries that <target> has for itself, and linked
# libraries' usage requirements named by LIBRARIES.
function(tenon_add_multiarch_sources target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TABLE" "SOURCES;ISAS;LIBRARIES")
  if(NOT arg_TABLE OR NOT arg_SOURCES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR
      "tenon_add_multiarch_sources(target TABLE name SOURCES ... [ISAS ...] [LIBRARIES ...]); "
      "got '${ARGN}'")
  endif()
  set(flags_sse2 -march=x86-64)
  set(flags_avx2 -march=x86-64-v3)
  set(flags_avx512 -march=x86-64-v4)
  set(flags_neon "")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
    set(known neon)
  else()
    set(known sse2 avx2 avx512)
  endif()
  if(NOT arg_ISAS)
    set(arg_ISAS ${known})
  endif()

  # GNU ld merges groups of inline functions; lld does not.
  if(CMAKE_LINKER MATCHES "lld")
    find_program(TENON_GNU_LD ld.bfd REQUIRED)
    mark_as_advanced(TENON_GNU_LD)
  else()
    set(TENON_GNU_LD ${CMAKE_LINKER})
  endif()

  set(declarations "")
  set(entries "")
  foreach(isa IN LISTS known)  # in rising order, whatever the caller's
    if(NOT isa IN_LIST arg_ISAS)
      continue()
    endif()
    list(REMOVE_ITEM arg_ISAS ${isa})
    set(objects ${target}_${arg_TABLE}_${isa})
    add_library(${objects} OBJECT EXCLUDE_FROM_ALL ${arg_SOURCES})
    target_link_libraries(${objects} PRIVATE tenon::tenon ${arg_LIBRARIES})
    set_target_properties(${objects} PROPERTIES POSITION_INDEPENDENT_CODE ON
      INTERPROCEDURAL_OPTIMIZATION OFF)
    target_include_directories(${objects} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
    target_compile_definitions(${objects} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>)
    target_compile_options(${objects} PRIVATE
      $<TARGET_PROPERTY:${target},COMPILE_OPTIONS> ${flags_${isa}}
      $<$<OR:$<CONFIG:>,$<CONFIG:Debug>>:-O1>  # without, GCC 12 fails on packs of AVX-512
      $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)  # unique symbols cannot be made local

    set(entry tenon_${arg_TABLE}_${isa})
    if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=")  # which registers what it finds in sections, by symbols
      target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
    else()
      set(merged ${CMAKE_CURRENT_BINARY_DIR}/${objects}.o)
      add_custom_command(OUTPUT ${merged}
        COMMAND ${TENON_GNU_LD} -r --force-group-allocation -o ${merged} $<TARGET_OBJECTS:${objects}>
        COMMAND ${CMAKE_OBJCOPY} --keep-global-symbol=${entry} ${merged}
        DEPENDS ${objects} $<TARGET_OBJECTS:${objects}>
        COMMAND_EXPAND_LISTS VERBATIM
        COMMENT "Kernels of ${arg_TABLE} for ${isa}")
      target_sources(${target} PRIVATE ${merged})
      set_source_files_properties(${merged} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    endif()
    string(APPEND declarations "extern \"C\" const void* ${entry}() noexcept;\n")
    string(APPEND entries "    {tenon::Isa::${isa}, ${entry}},\n")
  endforeach()
  if(arg_ISAS)
    message(FATAL_ERROR "tenon_add_multiarch_sources(${target}): no ${arg_ISAS} here; there are ${known}.")
  endif()

  set(dispatcher ${CMAKE_CURRENT_BINARY_DIR}/${target}_${arg_TABLE}_dispatch.cpp)
  file(CONFIGURE OUTPUT ${dispatcher} @ONLY CONTENT [=[
// Generated: the instruction sets that the table "@arg_TABLE@" was compiled for.
#include <tenon/core/dispatch.hpp>

@declarations@
extern "C" const tenon::detail::DispatchedTable* tenon_dispatched_@arg_TABLE@();

const tenon::detail::DispatchedTable* tenon_dispatched_@arg_TABLE@() {
  static constexpr tenon::detail::DispatchedTable tables[] = {
@entries@  };
  static const tenon::detail::DispatchedTable chosen =
      tenon::detail::choose_table("@arg_TABLE@", tables);
  return &chosen;
}
]=])
  target_sources(${target} PRIVATE ${dispatcher})
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:tenon::tenon>)
endfunction()
