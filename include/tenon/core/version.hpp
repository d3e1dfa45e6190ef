#pragma once
// The version of the library. CMake reads it from here; semantic versioning.

#define TENON_VERSION_MAJOR 0
#define TENON_VERSION_MINOR 1
#define TENON_VERSION_PATCH 0

// One comparable number: 1.2.3 is 10203.
#define TENON_VERSION \
  (TENON_VERSION_MAJOR * 10000 + TENON_VERSION_MINOR * 100 + TENON_VERSION_PATCH)
