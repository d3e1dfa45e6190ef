cmake_minimum_required(VERSION 3.25)

# cmake -Dprogram=<command> -Dexpected=<file> -P match_output.cmake
# Runs the program and fails unless it succeeds and every line of the file, a regular expression,
# matches in what it prints, one after the other. For programs that print times or what depends on
# the instruction set. Brackets are balanced in each line, or CMake joins it with the next.
list(REMOVE_ITEM program "")
execute_process(COMMAND ${program} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${program} ended with ${result}, having printed:\n${printed}")
endif()
file(STRINGS ${expected} patterns ENCODING UTF-8)
set(rest "${printed}")
foreach(pattern IN LISTS patterns)
  if(NOT "${rest}" MATCHES "${pattern}")
    message(FATAL_ERROR "${program} printed:\n${printed}\n--- but ${pattern} is not in:\n${rest}")
  endif()
  string(LENGTH "${CMAKE_MATCH_0}" length)
  string(FIND "${rest}" "${CMAKE_MATCH_0}" start)
  math(EXPR end "${start} + ${length}")
  string(SUBSTRING "${rest}" ${end} -1 rest)
endforeach()
