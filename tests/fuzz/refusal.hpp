#pragma once
// What the targets of untrusted files hold: a file is read, or refused with a message that names the byte.

#include <tenon/core/error.hpp>

#include <cstdlib>
#include <string_view>

inline void require(bool holds) {
  if (!holds) std::abort();
}

template <class F>
void may_refuse(const F& f) {
  try {
    f();
  } catch (const tenon::FormatError& error) {
    require(std::string_view(error.what()).find("byte ") != std::string_view::npos);
  }
}
