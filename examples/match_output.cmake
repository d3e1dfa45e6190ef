cmake_minimum_required(VERSION 3.25)

# cmake -Dprogram=<command> -Dexpected=<file> -P match_output.cmake
# Runs the program and fails unless it succeeds and every line of the file, a regular expression,
# matches somewhere in what it prints. For programs that print times.
list(REMOVE_ITEM program "")
execute_process(COMMAND ${program} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${program} ended with ${result}, having printed:\n${printed}")
endif()
file(STRINGS ${expected} patterns ENCODING UTF-8)
foreach(pattern IN LISTS patterns)
  if(NOT "${printed}" MATCHES "${pattern}")
    message(FATAL_ERROR "${program} printed:\n${printed}\n--- but nothing there matches ${pattern}")
  endif()
endforeach()
