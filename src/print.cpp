// Tensors as text: aligned, with a fixed number of digits, so that a transcript is the same on
// every machine.

#include <gradus/tensor.h>

#include "format.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

namespace gradus {

namespace {

std::string number(Scalar value, int digits) {
  const std::string text = format("%.*f", digits, printable(value));
  // -0.0000 would say more about rounding than about the value.
  if (text[0] == '-' && text.find_first_of("123456789in") == std::string::npos)
    return text.substr(1);
  return text;
}

// The positions to show of `count`: all, or the first and last with -1 for the gap between; at
// least the first.
std::vector<Index> shown(Index count, Index most) {
  most = std::max<Index>(most, 1);
  std::vector<Index> positions;
  for (Index i = 0; i < count; ++i) {
    const bool cut = count > most && i >= (most + 1) / 2 && i < count - most / 2;
    if (!cut) positions.push_back(i);
    if (cut && positions.back() != -1) positions.push_back(-1);
  }
  return positions;
}

// One matrix, its rows indented by one, its columns aligned on the right.
std::string matrix_text(const Scalar* values, Index rows, Index columns, int digits, Index most) {
  const std::vector<Index> row_numbers = shown(rows, most);
  const std::vector<Index> column_numbers = shown(columns, most);
  std::vector<std::string> cells;
  std::size_t width = 3;
  for (Index r : row_numbers)
    for (Index c : column_numbers) {
      cells.push_back(r < 0 || c < 0 ? "..." : number(values[r * columns + c], digits));
      width = std::max(width, cells.back().size());
    }
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    text += std::string(width + 1 - cells[i].size(), ' ') + cells[i];
    if ((i + 1) % column_numbers.size() == 0) text += "\n";
  }
  return text;
}

}  // namespace

std::string to_string(const Tensor& tensor, int digits, Index most) {
  const Shape& shape = tensor.shape();
  if (shape.rank() == 0) return " " + number(tensor.data()[0], digits) + "\n";
  const Index columns = shape[-1];
  const Index rows = shape.rank() >= 2 ? shape[-2] : 1;
  const Index matrices = tensor.size() / (rows * columns);
  std::string text;
  for (Index m : shown(matrices, most)) {
    if (matrices > 1) text += m < 0 ? " ...\n" : " [" + std::to_string(m) + "]\n";
    if (m >= 0)
      text += matrix_text(tensor.data() + m * rows * columns, rows, columns, digits, most);
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  return out << to_string(tensor);
}

void print(const std::string& title, const Tensor& tensor, int digits) {
  const std::string text = to_string(tensor, digits);
  std::printf("%s %s\n%s", title.c_str(), to_string(tensor.shape()).c_str(), text.c_str());
}

}  // namespace gradus
