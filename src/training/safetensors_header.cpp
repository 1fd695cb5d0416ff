#include "safetensors_header.h"

#include <gradus/files.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace gradus {

namespace {

void add_utf8(std::string& text, unsigned code) {
  // A first byte 110…, 1110… or 11110… says how many more follow, with 6 bits each.
  const int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  text += static_cast<char>((more ? 0x780 >> more : 0) | code >> 6 * more);
  for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | (code >> 6 * i & 0x3F));
}

class HeaderParser {
 public:
  explicit HeaderParser(const std::string& json) : json_(json) {}

  TensorHeader parse() {
    TensorHeader header;
    object([&](const std::string& name) {
      if (name != "__metadata__") return header.entries.push_back(entry(name));
      object([&](const std::string& key) { header.metadata[key] = string(); });
    });
    skip_space();
    if (at_ != json_.size()) wrong("nothing may follow the closing brace");
    return header;
  }

 private:
  template <class... Parts>
  [[noreturn]] void wrong(const Parts&... problem) const {
    throw Error(worded("byte ", at_, " of the header: ", problem...));
  }

  void skip_space() { at_ = std::min(json_.find_first_not_of(" \t\n\r", at_), json_.size()); }

  bool take(char c) {
    skip_space();
    if (at_ == json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) wrong("'", std::string(1, c), "' is wanted");
  }

  // {"name": …, "name": …}, where value(name) reads what follows the colon; returns how many.
  template <class Value>
  std::size_t object(Value value) {
    std::set<std::string> names;
    expect('{');
    if (take('}')) return 0;
    do {
      const std::string name = string();
      if (!names.insert(name).second) wrong("the name \"", name, "\" stands twice");
      expect(':');
      value(name);
    } while (take(','));
    expect('}');
    return names.size();
  }

  TensorEntry entry(const std::string& name) {
    TensorEntry result;
    result.name = name;
    const std::size_t keys = object([&](const std::string& key) {
      if (key == "dtype") {
        result.dtype = string();
      } else if (key == "shape") {
        result.sizes = numbers();
      } else if (key == "data_offsets") {
        const std::vector<std::uint64_t> offsets = numbers();
        if (offsets.size() != 2) wrong("data_offsets must be two numbers");
        result.begin = offsets[0];
        result.end = offsets[1];
      } else {
        wrong("the key \"", key, "\" is unknown");
      }
    });
    if (keys != 3) wrong("\"", name, "\" needs dtype, shape and data_offsets");
    return result;
  }

  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> result;
    expect('[');
    if (take(']')) return result;
    do result.push_back(number());
    while (take(','));
    expect(']');
    return result;
  }

  std::uint64_t number() {
    skip_space();
    std::uint64_t value = 0;
    const char* begin = json_.data() + at_;
    const auto [end, error] = std::from_chars(begin, json_.data() + json_.size(), value);
    if (error == std::errc::result_out_of_range) wrong("the number is too large");
    if (error != std::errc() || (*begin == '0' && end != begin + 1))
      wrong("a whole number of at least 0 is wanted");
    at_ += static_cast<std::size_t>(end - begin);
    return value;
  }

  std::string string() {
    expect('"');
    std::string text;
    while (at_ < json_.size()) {
      const char c = json_[at_++];
      if (c == '"') return text;
      if (static_cast<unsigned char>(c) < 0x20) wrong("control characters must be escaped");
      if (c == '\\')
        add_escaped(text);
      else
        text += c;
    }
    wrong("the closing quote is missing");
  }

  void add_escaped(std::string& text) {
    const char c = at_ < json_.size() ? json_[at_++] : ' ';
    const std::size_t simple = std::string("\"\\/bfnrt").find(c);
    if (simple != std::string::npos) {
      text += "\"\\/\b\f\n\r\t"[simple];
      return;
    }
    if (c != 'u') wrong("an unknown escape");
    unsigned code = hex4();
    if (code >= 0xD800 && code < 0xDC00 && json_.compare(at_, 2, "\\u") == 0) {
      at_ += 2;
      const unsigned low = hex4();
      // Two halves of 10 bits; without its second half the first stays what it is.
      if (low >= 0xDC00 && low < 0xE000) code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00;
    }
    if (code >= 0xD800 && code < 0xE000) wrong("half a surrogate pair");
    add_utf8(text, code);
  }

  unsigned hex4() {
    unsigned value = 0;
    const char* begin = json_.data() + at_;
    const char* four = begin + std::min<std::size_t>(4, json_.size() - at_);
    if (std::from_chars(begin, four, value, 16).ptr != begin + 4)
      wrong("four hexadecimal digits are wanted");
    at_ += 4;
    return value;
  }

  const std::string& json_;
  std::size_t at_ = 0;
};

}  // namespace

TensorHeader parse_header(const std::string& json) {
  if (json.empty() || json[0] != '{') throw Error("the header must begin with '{'");
  check_utf8(json, "the header");
  return HeaderParser(json).parse();
}

}  // namespace gradus
