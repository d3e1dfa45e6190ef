cmake_minimum_required(VERSION 3.25)

# Installs the build to a temporary prefix, then builds and runs the consumer with the package and
# with the source tree.

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE printed
    ERROR_VARIABLE printed)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV} ended with ${result}:\n${printed}")
  endif()
  set(printed "${printed}" PARENT_SCOPE)
endfunction()

function(consume name)
  run(${CMAKE_COMMAND} -S ${source}/tests/consumer -B ${work}/${name} -G ${generator}
    -DCMAKE_CXX_COMPILER=${compiler} "-DCMAKE_CXX_FLAGS=${flags}" ${ARGN})
  run(${CMAKE_COMMAND} --build ${work}/${name})
  foreach(program consumer consumer_memory consumer_multiarch consumer_engine consumer_io)
    if(program STREQUAL consumer_io AND NOT EXISTS ${work}/${name}/consumer_io)
      continue()
    endif()
    run(${work}/${name}/${program})
    message("${name}: ${printed}")
  endforeach()
endfunction()

file(REMOVE_RECURSE ${work})
run(${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix)
# The package must also work where it was moved to, without the build that it came from.
file(RENAME ${work}/prefix ${work}/moved)
consume(package -DCMAKE_PREFIX_PATH=${work}/moved)
# Without the engine's kernels for every instruction set: the package has them.
if(CMAKE_HOST_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set(few_isas -DTENON_ENGINE_ISAS=sse2)
endif()
consume(subdirectory -DTENON_SOURCE=${source} ${few_isas})

if(EXISTS ${work}/moved/bin/tenon)
  run(${work}/moved/bin/tenon --version)
  message("command: ${printed}")
endif()

# What is installed is the library and its command: nothing of tests or support.
file(GLOB_RECURSE installed RELATIVE ${work}/moved ${work}/moved/*)
foreach(file IN LISTS installed)
  if(NOT file MATCHES "^include/tenon/.*\\.hpp$|^lib[^/]*/(.*/)?(libtenon_(memory|engine|io)|cmake/tenon/)[^/]*$|^bin/tenon$")
    message(FATAL_ERROR "${file} is installed and does not belong there.")
  endif()
endforeach()
