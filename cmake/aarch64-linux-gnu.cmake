# Cross build for AArch64 with Debian's g++-aarch64-linux-gnu, run by qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)

# Boost, xsimd and Catch2 are headers for any machine, but they lie in the host's /usr/include, whose
# other headers must stay out of sight. So: a root with links to these three and nothing else.
set(headers_root ${CMAKE_BINARY_DIR}/host-headers)
file(MAKE_DIRECTORY ${headers_root}/include)
foreach(package boost xsimd catch2)
  file(CREATE_LINK /usr/include/${package} ${headers_root}/include/${package} SYMBOLIC)
endforeach()

set(CMAKE_FIND_ROOT_PATH ${headers_root} /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
