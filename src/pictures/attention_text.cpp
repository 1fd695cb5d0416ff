// Attention as a picture made of characters.
#include <gradus/picture.h>
#include <unistd.h>

#include "attention_weights.h"
#include "svg.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace gradus {

namespace {

constexpr std::size_t screen = 80, label = 12;

// The characters of a text, each of one to four bytes.
std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> characters;
  for (const char c : text) {
    const bool first_byte = (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    if (first_byte || characters.empty()) characters.emplace_back();
    characters.back() += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  }
  return characters;
}

std::string aligned_right(const std::string& text, std::size_t width) {
  const std::vector<std::string> characters = characters_of(svg::cut(text, width));
  std::string aligned(width - std::min(width, characters.size()), ' ');
  for (const std::string& c : characters) aligned += c;
  return aligned;
}

// The words of the columns, written downwards so that they end just above their column.
std::string column_heads(const std::vector<std::string>& words, std::size_t cell) {
  std::vector<std::vector<std::string>> heads;
  std::size_t longest = 0;
  for (const std::string& word : words) {
    heads.push_back(characters_of(svg::cut(word, label)));
    longest = std::max(longest, heads.back().size());
  }
  std::string text;
  for (std::size_t row = 0; row < longest; ++row) {
    std::string line(label + 1 + (cell - 1) / 2, ' ');
    for (const auto& head : heads) {
      const std::size_t above = longest - head.size();
      line += (row < above ? " " : head[row - above]) + std::string(cell - 1, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

// One of the 24 greys that terminals with 256 colours have, black (232) to white (255).
std::string grey_cell(double shade, const std::string& content) {
  const int grey = 232 + static_cast<int>(std::lround(shade * 23));
  return format("\x1b[48;5;%d;38;5;%dm", grey, grey < 244 ? 231 : 16) + content + "\x1b[0m";
}

// A weight as a square `cell` characters wide. In colour there is room for the number, in percent.
std::string square(double weight, double most, std::size_t cell, bool colour) {
  static const char shades[] = " .:-=+*#%@";
  const double shade = most > 0 ? std::clamp(weight / most, 0.0, 1.0) : 0;
  if (!colour) return std::string(cell, shades[static_cast<int>(std::lround(shade * 9))]);
  if (cell < 3) return grey_cell(shade, std::string(cell, ' '));
  return grey_cell(shade, format("%3.0f", std::clamp(weight * 100, -99.0, 999.0)));
}

std::string field(const AttentionWeights& w, Index layer, Index head,
                  const std::vector<std::string>& queries, std::size_t cell, bool colour) {
  const double most = w.most(layer, head);
  const Scalar* weight = w.of(layer, head);
  std::string text;
  for (Index i = 0; i < w.queries; ++i) {
    text += aligned_right(queries[static_cast<std::size_t>(i)], label) + " ";
    for (Index j = 0; j < w.keys; ++j)
      text += square(static_cast<double>(*weight++), most, cell, colour);
    text += colour ? "\n" : "|\n";
  }
  return text + std::string(label + 1, ' ') +
         (colour && cell >= 3 ? format("in percent; the brightest is %.3f\n", most)
          : colour            ? format("black: 0, white: %.3f\n", most)
                              : format("' ' 0, '@' %.3f\n", most));
}

}  // namespace

bool terminal_has_colour() {
  const char* no_colour = std::getenv("NO_COLOR");  // see no-color.org
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) &&
         !(terminal && std::strcmp(terminal, "dumb") == 0);
}

std::string attention_text(const std::string& title, const std::vector<std::string>& queries,
                           const std::vector<std::string>& keys, const Tensor& weights, bool colour,
                           Where where) {
  const AttentionWeights w("attention_text", weights, queries.size(), keys.size(), where);
  const std::size_t cell = std::clamp<std::size_t>((screen - label - 2) / keys.size(), 1, 3);
  std::string text = title + "\n";
  for (Index l = 0; l < w.layers; ++l)
    for (Index h = 0; h < w.heads; ++h) {
      const std::string name = w.name(l, h);
      text += name + (name.empty() ? "" : "\n") + column_heads(keys, cell) +
              field(w, l, h, queries, cell, colour);
    }
  return text;
}

}  // namespace gradus
