#include "command.hpp"
#include "file_contents.hpp"
#include "json.hpp"
#include "table.hpp"

#include <cstddef>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace tenon::tools {

namespace {

struct Total {
  std::string dtype;
  std::size_t tensor_count = 0;
  std::size_t element_count = 0;
  std::size_t bytes = 0;

  void add(const TensorEntry& tensor) {
    ++tensor_count;
    element_count += tensor.element_count;
    bytes += tensor.bytes;
  }
};

struct Totals {
  Total all;
  std::map<std::string, Total> by_type;
  std::vector<std::string> unsupported_types;

  explicit Totals(const FileContents& contents) {
    for (const TensorEntry& tensor : contents.tensors) {
      all.add(tensor);
      Total& one = by_type[tensor.type];
      one.dtype = tensor.dtype;
      one.add(tensor);
    }
    for (const auto& [type, total] : by_type)
      if (total.dtype.empty()) unsupported_types.push_back(type);
  }
};

std::string shape_text(const TensorEntry& tensor) {
  std::string text;
  for (const index_t extent : tensor.shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return '(' + text + ')';
}

std::string remarks(const TensorEntry& tensor) {
  std::string text;
  const auto add = [&](bool is_so, const char* remark) {
    if (is_so) text += (text.empty() ? "" : ", ") + std::string(remark);
  };
  add(tensor.column_major, "column-major");
  add(tensor.compressed, "compressed");
  add(!tensor.compressed && !tensor.dtype.empty() && !tensor.in_place, "unaligned");
  return text;
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

void print_text(const std::string& path, const FileContents& contents, const Totals& totals,
                std::ostream& out) {
  out << printable(path) << ": " << contents.format << ", " << readable(contents.file_bytes) << " ("
      << grouped(contents.file_bytes) << " B)\n";
  if (!contents.metadata.empty()) {
    out << "\nmetadata\n";
    Table table({{""}, {""}});
    for (const auto& [key, value] : contents.metadata)
      table.add({printable(key), printable(value)});
    table.print(out);
  }
  if (!contents.tensors.empty()) {
    out << "\ntensors\n";
    Table table({{"name"},
                 {"type"},
                 {"Tenon"},
                 {"shape"},
                 {"size", true},
                 {"bytes", true},
                 {"offset", true},
                 {"alignment", true},
                 {""}});
    for (const TensorEntry& t : contents.tensors)
      table.add({printable(t.name), t.type, or_dash(t.dtype), shape_text(t), readable(t.bytes),
                 grouped(t.bytes), grouped(t.offset), t.compressed ? "-" : grouped(t.alignment),
                 remarks(t)});
    table.print(out);
  }
  out << "\ntotals\n";
  Table table({{"type"},
               {"Tenon"},
               {"tensors", true},
               {"elements", true},
               {"size", true},
               {"bytes", true}});
  const auto add = [&](const std::string& type, const std::string& dtype, const Total& total) {
    table.add({type, dtype, grouped(total.tensor_count), grouped(total.element_count),
               readable(total.bytes), grouped(total.bytes)});
  };
  for (const auto& [type, total] : totals.by_type) add(type, or_dash(total.dtype), total);
  add("all", "", totals.all);
  table.print(out);
  for (const std::string& type : totals.unsupported_types)
    out << "\nTenon has no element type for " << type << ".\n";
}

Json json_of(const TensorEntry& tensor) {
  Json json;
  json["name"] = tensor.name;
  json["type"] = tensor.type;
  json["dtype"] = tensor.dtype.empty() ? Json() : Json(tensor.dtype);
  json["shape"] = tensor.shape;
  json["elements"] = tensor.element_count;
  json["bytes"] = tensor.bytes;
  json["stored_bytes"] = tensor.stored_bytes;
  json["offset"] = tensor.offset;
  json["alignment"] = tensor.alignment;
  json["order"] = tensor.column_major ? "column_major" : "row_major";
  json["compressed"] = tensor.compressed;
  json["in_place"] = tensor.in_place;
  return json;
}

void print_json(const std::string& path, const FileContents& contents, const Totals& totals,
                std::ostream& out) {
  Json json;
  json["file"] = path;
  json["format"] = contents.format;
  json["file_bytes"] = contents.file_bytes;
  json["metadata"] = Json::object();
  for (const auto& [key, value] : contents.metadata) json["metadata"][key] = value;
  json["tensors"] = Json::array();
  for (const TensorEntry& tensor : contents.tensors) json["tensors"].push_back(json_of(tensor));
  json["totals"] = {{"tensors", totals.all.tensor_count},
                    {"elements", totals.all.element_count},
                    {"bytes", totals.all.bytes}};
  json["unsupported_types"] = totals.unsupported_types;
  print(json, out);
}

}  // namespace

int info(const InfoOptions& options, std::ostream& out) {
  const FileContents contents = read_contents(options.file);
  const Totals totals(contents);
  (options.json ? print_json : print_text)(options.file, contents, totals, out);
  return exit_code::success;
}

}  // namespace tenon::tools
