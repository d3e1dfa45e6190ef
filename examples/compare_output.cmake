cmake_minimum_required(VERSION 3.25)

# cmake -Dprogram=<command> -Dexpected=<file> -P compare_output.cmake
# Runs the program and fails unless it succeeds and prints exactly what the file has.
list(REMOVE_ITEM program "")
execute_process(COMMAND ${program} OUTPUT_VARIABLE printed RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${program} ended with ${result}, having printed:\n${printed}")
endif()
file(READ ${expected} wanted)
if(NOT "${printed}" STREQUAL "${wanted}")
  message(FATAL_ERROR "${program} printed:\n${printed}\n--- but ${expected} has:\n${wanted}")
endif()
