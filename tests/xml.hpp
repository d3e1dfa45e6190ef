#pragma once
// What tests ask of pictures.

#include <string>
#include <vector>

// Every element is closed, in order; no stray < or & in texts.
inline bool is_well_formed(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&' && text.compare(i, 4, "&lt;") != 0 && text.compare(i, 4, "&gt;") != 0 &&
        text.compare(i, 5, "&amp;") != 0 && text.compare(i, 6, "&quot;") != 0)
      return false;
    if (text[i] != '<') continue;
    const std::size_t end = text.find('>', i);
    if (end == std::string::npos) return false;
    const std::string tag = text.substr(i + 1, end - i - 1);
    const std::string name =
        tag.substr(tag[0] == '/', tag.find_first_of(" /", 1) - (tag[0] == '/'));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty();
}
