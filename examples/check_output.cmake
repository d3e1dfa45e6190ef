cmake_minimum_required(VERSION 3.25)

# cmake -Dprogram=<command> -Dexpected=<file> -P check_output.cmake
# Runs the program and fails unless it succeeds and prints what the file has: a .txt to the letter;
# of a .regex every line has to match, one after the other (for programs that print times or what
# depends on the instruction set; brackets are balanced in each line, or CMake joins it with the next).
list(REMOVE_ITEM program "")
execute_process(COMMAND ${program} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${program} ended with ${result}, having printed:\n${printed}")
endif()

if(expected MATCHES "[.]txt$")
  file(READ ${expected} wanted)
  if(NOT "${printed}" STREQUAL "${wanted}")
    message(FATAL_ERROR "${program} printed:\n${printed}\n--- but ${expected} has:\n${wanted}")
  endif()
  return()
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
