#pragma once
// JSON for machines: keys in the order in which they are written, one line, valid whatever bytes a file has
// for names.

#include <nlohmann/json.hpp>

#include <ostream>

namespace tenon::tools {

using Json = nlohmann::ordered_json;

inline void print(const Json& json, std::ostream& out) {
  out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace tenon::tools
