#include "safetensors_header.h"

#include <gradus/error.h>
#include <gradus/files.h>

#include <limits>
#include <set>

namespace gradus {

namespace {

class HeaderParser {
 public:
  explicit HeaderParser(const std::string& json) : json_(json) {}

  TensorHeader parse() {
    TensorHeader header;
    std::set<std::string> names;
    object([&](const std::string& name) {
      if (!names.insert(name).second) wrong("the name \"" + name + "\" stands twice");
      if (name == "__metadata__") {
        object([&](const std::string& key) {
          if (!header.metadata.emplace(key, string()).second)
            wrong("the key \"" + key + "\" stands twice");
        });
      } else {
        header.entries.push_back(entry(name));
      }
    });
    skip_space();
    if (at_ != json_.size()) wrong("nothing may follow the closing brace");
    return header;
  }

 private:
  [[noreturn]] void wrong(const std::string& problem) const {
    throw Error("byte " + std::to_string(at_) + " of the header: " + problem);
  }

  void skip_space() {
    while (at_ < json_.size() && std::string(" \t\n\r").find(json_[at_]) != std::string::npos)
      ++at_;
  }

  bool take(char c) {
    skip_space();
    if (at_ >= json_.size() || json_[at_] != c) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) wrong(std::string("'") + c + "' is wanted");
  }

  // {"name": …, "name": …}, where value(name) reads what follows the colon.
  template <class Value>
  void object(Value value) {
    expect('{');
    if (take('}')) return;
    do {
      const std::string name = string();
      expect(':');
      value(name);
    } while (take(','));
    expect('}');
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
    const std::size_t begin = at_;
    std::uint64_t value = 0;
    while (at_ < json_.size() && json_[at_] >= '0' && json_[at_] <= '9') {
      const auto digit = static_cast<std::uint64_t>(json_[at_] - '0');
      if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10)
        wrong("the number is too large");
      value = value * 10 + digit;
      ++at_;
    }
    const bool leading_zero = json_[begin] == '0' && at_ - begin > 1;
    if (at_ == begin || leading_zero) wrong("a whole number of at least 0 is wanted");
    return value;
  }

  TensorEntry entry(const std::string& name) {
    TensorEntry result;
    result.name = name;
    std::set<std::string> seen;
    object([&](const std::string& key) {
      if (!seen.insert(key).second) wrong("the key \"" + key + "\" stands twice");
      if (key == "dtype") {
        result.dtype = string();
      } else if (key == "shape") {
        result.shape = numbers();
      } else if (key == "data_offsets") {
        const std::vector<std::uint64_t> offsets = numbers();
        if (offsets.size() != 2) wrong("data_offsets must be two numbers");
        result.begin = offsets[0];
        result.end = offsets[1];
      } else {
        wrong("the key \"" + key + "\" is unknown");
      }
    });
    if (seen.size() != 3) wrong("\"" + name + "\" needs dtype, shape and data_offsets");
    return result;
  }

  std::string string() {
    expect('"');
    std::string text;
    while (at_ < json_.size() && json_[at_] != '"') {
      const char c = json_[at_++];
      if (static_cast<unsigned char>(c) < 0x20) wrong("control characters must be escaped");
      if (c == '\\')
        add_escaped(text);
      else
        text += c;
    }
    if (at_ >= json_.size()) wrong("the closing quote is missing");
    ++at_;
    return text;
  }

  unsigned hex4() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const std::size_t digit =
          at_ < json_.size() ? std::string("0123456789abcdefABCDEF").find(json_[at_]) : 99;
      if (digit > 21) wrong("four hexadecimal digits are wanted");
      value = value * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
      ++at_;
    }
    return value;
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
    if (code >= 0xDC00 && code < 0xE000) wrong("half a surrogate pair");
    if (code >= 0xD800 && code < 0xDC00) {
      if (json_.compare(at_, 2, "\\u") != 0) wrong("half a surrogate pair");
      at_ += 2;
      const unsigned low = hex4();
      if (low < 0xDC00 || low > 0xDFFF) wrong("half a surrogate pair");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    add_utf8(text, code);
  }

  static void add_utf8(std::string& text, unsigned code) {
    const auto add = [&](unsigned byte) { text += static_cast<char>(byte); };
    if (code < 0x80) return add(code);
    if (code < 0x800) {
      add(0xC0 | code >> 6);
    } else if (code < 0x10000) {
      add(0xE0 | code >> 12);
      add(0x80 | (code >> 6 & 0x3F));
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
      add(0x80 | (code >> 6 & 0x3F));
    }
    add(0x80 | (code & 0x3F));
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

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      const char* digits = "0123456789abcdef";
      result += "\\u00";
      result += digits[c >> 4];
      result += digits[c & 15];
    } else {
      result += c;
    }
  }
  return result + "\"";
}

}  // namespace gradus
