// The numbers in the pictures: every place, size, shade and label, worked out here from the input.

#include <doctest/doctest.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <map>

using namespace gradus;

namespace {

std::string text_of(const char* form, ...) {
  char buffer[400];
  va_list values;
  va_start(values, form);
  std::vsnprintf(buffer, sizeof buffer, form, values);
  va_end(values);
  return buffer;
}

// An element of a picture: its tag with all attributes, and the text up to the next closing tag.
struct Element {
  std::string tag, text;
  bool has(const std::string& part) const { return tag.find(part) != std::string::npos; }
  double operator()(const std::string& name) const {
    const std::size_t at = tag.find(" " + name + "=\"");
    return at == std::string::npos ? NAN : std::stod(tag.substr(at + name.size() + 3));
  }
};

// All whose tag begins so: elements(svg, "rect class=\"cell\"").
std::vector<Element> elements(const std::string& svg, const std::string& start) {
  std::vector<Element> found;
  for (std::size_t i = svg.find("<" + start); i != std::string::npos;
       i = svg.find("<" + start, i + 1)) {
    const std::size_t end = svg.find('>', i);
    std::size_t from = end + 1;
    if (svg.compare(from, 7, "<title>") == 0) from += 7;
    found.push_back({svg.substr(i, end - i), svg.substr(from, svg.find("</", from) - from)});
  }
  return found;
}

// Those with this text.
Element the(const std::vector<Element>& all, const std::string& text) {
  Element found;
  int count = 0;
  for (const Element& element : all)
    if (element.text == text) found = element, ++count;
  CAPTURE(text);
  CHECK(count == 1);
  return found;
}

void check_near(double a, double b) {
  CHECK(std::abs(a - b) < 0.051);  // one digit after the point
}

void check_place(const Element& element, double x, double y, double size = 0) {
  if (size > 0) CHECK(element("font-size") == size);
  CAPTURE(element.tag);
  check_near(element("x"), x);
  check_near(element("y"), y);
}

void check_box(const Element& e, double x, double y, double width, double height) {
  check_place(e, x, y);
  check_near(e("width"), width);
  check_near(e("height"), height);
}

// A line of x1, x2, y1, y2.
void check_line(const Element& e, double x1, double x2, double y1, double y2) {
  CAPTURE(e.tag);
  check_near(e("x1"), x1);
  check_near(e("x2"), x2);
  check_near(e("y1"), y1);
  check_near(e("y2"), y2);
}

std::vector<std::string> words(const std::string& stem, Index count) {
  std::vector<std::string> result;
  for (Index i = 0; i < count; ++i) result.push_back(stem + std::to_string(i));
  return result;
}

// Every square, word and scale of a picture of [L, H, rows, columns].
void check_attention(const Shape& shape, Index rows, Index columns, double cell, Index every) {
  CAPTURE(to_string(shape));
  const Index heads = shape.rank() > 2 ? shape[-3] : 1, layers = shape.rank() > 3 ? shape[0] : 1;
  Random random(3);
  Tensor weights = Tensor::uniform(shape, 0, 1, random);
  weights.mutable_data()[1] = Scalar(0.001);  // too weak to be seen
  const auto queries = words("q", rows), keys = words("k", columns);
  const std::string svg = attention_svg("Title", queries, keys, weights);
  const double width = cell * static_cast<double>(columns),
               height = cell * static_cast<double>(rows);
  const Element all = elements(svg, "svg")[0];
  check_near(all("width"),
             std::round(std::max(static_cast<double>(heads) * (width + 116) + 50, 360.0)));
  check_near(all("height"), std::round(58 + static_cast<double>(layers) * (height + 116) + 20));
  check_place(the(elements(svg, "text"), "Title"), 16, 26, 15);
  check_place(the(elements(svg, "text"), "A row looks, a column is looked at."), 16, 44);
  const auto cells = elements(svg, "rect class=\"cell\""),
             frames = elements(svg, "rect class=\"frame\"");
  const auto texts = elements(svg, "text");
  std::size_t next_cell = 0, next_frame = 0, next_text = 2;
  for (Index l = 0; l < layers; ++l)
    for (Index h = 0; h < heads; ++h) {
      const Scalar* w = weights.data() + (l * heads + h) * rows * columns;
      const double most = static_cast<double>(*std::max_element(w, w + rows * columns));
      const double x = 106 + static_cast<double>(h) * (width + 116);
      const double y = 154 + static_cast<double>(l) * (height + 116);
      for (Index i = 0; i < rows; i += every) {
        const Element& word = texts.at(next_text++);
        CHECK(word.text == queries[static_cast<std::size_t>(i)]);
        CHECK(word.has("text-anchor=\"end\""));
        check_place(word, x - 6, y + (static_cast<double>(i) + 0.5) * cell + 4);
      }
      for (Index j = 0; j < columns; j += every) {
        const Element& word = texts.at(next_text++);
        const double at = x + (static_cast<double>(j) + 0.5) * cell + 4;
        CHECK(word.text == keys[static_cast<std::size_t>(j)]);
        check_place(word, at, y - 6);
        CHECK(word.has(text_of("rotate(-60 %.1f %.1f)", at, y - 6)));
      }
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) {
          const auto weight = static_cast<double>(w[i * columns + j]);
          if (weight / most < 0.002) continue;
          const Element& square = cells.at(next_cell++);
          check_box(square, x + static_cast<double>(j) * cell, y + static_cast<double>(i) * cell,
                    cell, cell);
          CHECK(square("fill-opacity") == doctest::Approx(weight / most).epsilon(0.002));
          CHECK(square.text == text_of("q%d → k%d: %.3f", int(i), int(j), weight));
          if (cell < 36) continue;  // no room for a number
          const Element& number = texts.at(next_text++);
          CHECK(number.text == text_of("%.2f", weight));
          CHECK(number.has(weight / most > 0.55 ? "class=\"paper\"" : "class=\"ink\""));
          check_place(number, x + (static_cast<double>(j) + 0.5) * cell,
                      y + (static_cast<double>(i) + 0.5) * cell + 4, 12);
        }
      check_box(frames.at(next_frame++), x, y, width, height);
      for (int i = 0; i < 5; ++i) {
        const Element& square = cells.at(next_cell++);
        check_box(square, x + 11 + 12 * i, y + height + 7, 12, 9);
        CHECK(square("fill-opacity") == 0.25 * i);
      }
      check_box(frames.at(next_frame++), x + 11, y + height + 7, 60, 9);
      CHECK(texts.at(next_text).text == "0");
      check_place(texts.at(next_text++), x, y + height + 16);
      std::string scale = text_of("%.2f", most);
      if (layers > 1) scale += ", layer " + std::to_string(l + 1);
      if (layers * heads > 1) scale += ", head " + std::to_string(h + 1);
      CHECK(texts.at(next_text).text == scale);
      check_place(texts.at(next_text++), x + 76, y + height + 16);
    }
  CHECK(next_cell == cells.size());
  CHECK(next_frame == frames.size());
  CHECK(next_text == texts.size());
}

}  // namespace

TEST_CASE("an attention picture has each square, word and scale in its place") {
  check_attention({3, 2}, 3, 2, 40, 1);
  check_attention({2, 4, 5}, 4, 5, 40, 1);
  check_attention({2, 2, 12}, 2, 12, 35, 1);
  check_attention({2, 3, 60, 5}, 60, 5, 7, 2);
  check_attention({2, 1, 38, 4}, 38, 4, 420.0 / 38, 1);
  check_attention({39, 4}, 39, 4, 420.0 / 39, 2);
  check_attention({1, 500}, 1, 500, 1, 11);
}

TEST_CASE("weights that are all zero, or negative, have no squares") {
  const std::string svg = attention_svg("", {"a"}, {"b", "c"}, Tensor::matrix({{0, -1}}));
  CHECK(elements(svg, "rect class=\"cell\"").size() == 5);  // the scale
}

TEST_CASE("a long title of an attention picture goes on in the next line, a long word is cut") {
  const std::string svg =
      attention_svg("one two three four five six seven eight", {"abcdefghijklm"},
                    {"abcdefghijklmn"}, Tensor::matrix({{1}}));
  const auto texts = elements(svg, "text");
  // 360 pixels, of which 32 are margin, hold 32 bold characters.
  check_place(the(texts, "one two three four five six"), 16, 26);
  check_place(the(texts, "seven eight"), 16, 46);
  check_place(the(texts, "A row looks, a column is looked at."), 16, 64);
  check_place(the(texts, "abcdefghijklm"), 100, 174 + 24);
  the(texts, "abcdefghijkl…");
}

namespace {

// The frame is 290 by 200 pixels, its corner at (60, 70).
double at_y(double value, double low, double high) {
  return 70 + 200 * (high - value) / (high - low);
}

struct Ticks {
  double low, high;
  std::vector<double> values;
  std::vector<std::string> names;
};

void check_ticks_y(const std::string& svg, const Ticks& y) {
  const auto lines = elements(svg, "line class=\"grid\"");
  const auto texts = elements(svg, "text");
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    const double at = at_y(y.values[i], y.low, y.high);
    check_line(lines.at(i), 60, 350, at, at);
    CHECK(texts.at(1 + i).text == y.names[i]);
    CHECK(texts.at(1 + i).has("text-anchor=\"end\""));
    check_place(texts.at(1 + i), 52, at + 4, 12);
  }
}

void check_ticks_x(const std::string& svg, std::size_t from, const Ticks& x) {
  const auto lines = elements(svg, "line class=\"grid\"");
  REQUIRE(lines.size() == from + x.values.size());
  const auto texts = elements(svg, "text");
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const double at = 60 + 290 * (x.values[i] - x.low) / (x.high - x.low);
    check_line(lines.at(from + i), at, at, 270, 275);
    bool found = false;
    for (const Element& text : texts)
      found |= text.text == x.names[i] && std::abs(text("x") - at) < 0.06 &&
               std::abs(text("y") - 288) < 0.06 && text.has("text-anchor=\"middle\"");
    // Of more than five numbers every second one is written.
    CHECK_MESSAGE(found == (x.values.size() <= 5 || i % 2 == 0), x.names[i]);
  }
}

// The lines of a picture of curves, the first of which has these values.
void check_curves(const std::vector<Curve>& curves, int marked, const Ticks& y, const Ticks& x) {
  const std::string svg = curves_svg("Title", curves, marked);
  check_place(the(elements(svg, "text"), "Title"), 16, 26, 15);
  check_ticks_y(svg, y);
  check_ticks_x(svg, y.values.size(), x);
  check_place(the(elements(svg, "text"), "epoch"), 205, 308, 12);
  check_near(elements(svg, "svg")[0]("height"), 332 + 20 * static_cast<double>(curves.size()));
  const auto lines = elements(svg, "path class=\"line");
  const auto circles = elements(svg, "circle");
  REQUIRE(lines.size() == 2 * curves.size());
  const char* dashes[] = {"", "7 3", "2 3", "9 3 2 3"};
  std::size_t next_circle = 0;
  for (std::size_t c = 0; c < curves.size(); ++c) {
    std::string path;
    bool drawing = false;
    for (std::size_t i = 0; i < curves[c].values.size(); ++i) {
      const double value = curves[c].values[i];
      const double px = 60 + 290 * (static_cast<double>(i + 1) - x.low) / (x.high - x.low);
      const double py = at_y(value, y.low, y.high);
      if (std::isfinite(value)) {
        path += text_of("%c%.1f %.1f", drawing ? 'L' : 'M', px, py);
        if (curves[c].values.size() <= 40) {
          const Element& circle = circles.at(next_circle++);
          check_near(circle("cx"), px);
          check_near(circle("cy"), py);
          CHECK(circle("r") == 3);
          CHECK(circle.has(text_of("class=\"f%d\"", int(c % 4))));
          CHECK(circle.text == curves[c].name + text_of(", epoch %d: %.5g", int(i + 1), value));
        }
      }
      drawing = std::isfinite(value);
    }
    for (const Element& line : {lines[2 * c], lines[2 * c + 1]}) {
      CHECK(line.has(text_of("class=\"line s%d\"", int(c % 4))));
      CHECK(line.has("stroke-dasharray") == (c % 4 != 0));
      if (c % 4 != 0) CHECK(line.has(text_of("stroke-dasharray=\"%s\"", dashes[c % 4])));
    }
    CHECK(lines[2 * c].has(" d=\"" + path + "\""));
    const double legend = 332 + 20 * static_cast<double>(c);
    CHECK(lines[2 * c + 1].has(text_of(" d=\"M60.0 %.1fh24\"", legend - 4)));
    check_place(the(elements(svg, "text"), curves[c].name), 90, legend, 12);
  }
  CHECK(next_circle == circles.size());
  const auto frames = elements(svg, "line class=\"frame\"");
  REQUIRE(frames.size() == (marked > 0 ? 1U : 0U));
  if (marked == 0) return;
  const double at = 60 + 290 * (marked - x.low) / (x.high - x.low);
  check_line(frames[0], at, at, 70, 270);
  check_place(the(elements(svg, "text"), "best"), at, 65);
}

}  // namespace

TEST_CASE("dots stand at their values, one row below the other, with the median named") {
  // From 1 to 9 in steps of 1, each 340 / 8 = 42.5 pixels.
  const auto at = [](double value) { return 16 + 42.5 * (value - 1); };
  const std::vector<Curve> rows{{"odd", {9, 1, 2}}, {"even", {4, 3, 7, 6}}, {"one", {5}}};
  const double medians[] = {2, 5, 5};
  const char* const numbers[] = {"2 (1 to 9)", "5 (3 to 7)", "5 (5 to 5)"};
  const std::string svg = dots_svg("Title", rows, "unit");
  const auto texts = elements(svg, "text");
  check_place(the(texts, "Title"), 16, 26, 15);
  check_place(the(texts, "unit"), 186, 214, 12);
  check_near(elements(svg, "svg")[0]("height"), 224);
  const auto grid = elements(svg, "line class=\"grid\"");
  REQUIRE(grid.size() == 9 + 3);
  for (int i = 1; i <= 9; ++i) {
    check_line(grid[static_cast<std::size_t>(i - 1)], at(i), at(i), 40, 178);
    check_place(the(texts, std::to_string(i)), at(i), 194, 12);
  }
  const auto circles = elements(svg, "circle"), middle = elements(svg, "line class=\"zero\"");
  REQUIRE(middle.size() == 3);
  std::size_t next = 0;
  for (std::size_t row = 0; row < 3; ++row) {
    const double y = 70 + 46 * static_cast<double>(row), x = at(medians[row]);
    check_place(the(texts, rows[row].name), 16, y - 16, 13);
    check_place(the(texts, numbers[row]), 356, y - 16, 12);
    check_line(middle[row], x, x, y - 9, y + 9);
    for (const double value : rows[row].values) {
      const Element& circle = circles.at(next++);
      check_near(circle("cx"), at(value));
      check_near(circle("cy"), y);
      CHECK(circle.has(text_of("class=\"f%d\"", int(row))));
      CHECK(circle.text == rows[row].name + text_of(": %g", value));
    }
  }
  CHECK(next == circles.size());
}

TEST_CASE("of more rows of dots than colours the fifth has the first one again") {
  const std::string svg =
      dots_svg("", {{"a", {1}}, {"b", {2}}, {"c", {3}}, {"d", {4}}, {"e", {5}}}, "");
  const auto circles = elements(svg, "circle");
  REQUIRE(circles.size() == 5);
  for (int row = 0; row < 5; ++row)
    CHECK(circles[static_cast<std::size_t>(row)].has(text_of("class=\"f%d\"", row % 4)));
}

TEST_CASE("long names and titles are wrapped and cut where there is no more room") {
  const auto letters = [](std::size_t count) { return std::string(count, 'x'); };
  for (const auto& [most, names] :
       {std::pair<std::size_t, std::string>{
            40, curves_svg("", {{letters(40), {1}}, {letters(41), {2}}})},
        {24, dots_svg("", {{letters(24), {1}}, {letters(25), {2}}}, "")},
        {13, attention_svg("", {letters(13)}, {letters(14)}, Tensor::matrix({{1}}))}}) {
    the(elements(names, "text"), letters(most));
    the(elements(names, "text"), letters(most - 1) + "…");
  }
  std::string thirteen;
  for (int i = 0; i < 13; ++i) thirteen += "ä";
  the(elements(attention_svg("", {thirteen}, {""}, Tensor::matrix({{1}})), "text"), thirteen);
  const std::string title = letters(35) + " " + letters(34);  // 70 characters
  const auto whole = elements(curves_svg(title, {{"a", {1}}}), "text");
  check_place(the(whole, letters(35)), 16, 26, 15);
  check_place(the(whole, letters(34)), 16, 46, 15);
  the(elements(curves_svg(title + "x", {{"a", {1}}}), "text"), letters(33) + "…");
  the(elements(dots_svg("a " + letters(34), {{"b", {1}}}, ""), "text"), "a " + letters(34));
}

TEST_CASE("curves have each point, number and name in its place") {
  check_curves({{"loss", {3, 2, 1}}}, 0,
               {1, 3, {1, 1.5, 2, 2.5, 3}, {"1.0", "1.5", "2.0", "2.5", "3.0"}},
               {1, 3, {1, 2, 3}, {"1", "2", "3"}});
  check_curves({{"train", {10, 250, 100, 30}},
                {"validation", {20, NAN, 40}},
                {"third", {30}},
                {"fourth", {40, 41, 42, 43}},
                {"fifth", {50, 49, INFINITY, 48}}},
               3, {0, 250, {0, 50, 100, 150, 200, 250}, {"0", "50", "100", "150", "200", "250"}},
               {1, 4, {1, 2, 3, 4}, {"1", "2", "3", "4"}});
  check_curves({{"one", {5}}}, 1,
               {2, 8, {2, 3, 4, 5, 6, 7, 8}, {"2", "3", "4", "5", "6", "7", "8"}},
               {0.5, 1.5, {1}, {"1"}});
  check_curves({{"none", {0, 0}}}, 2,
               {-1, 1, {-1, -0.5, 0, 0.5, 1}, {"-1.0", "-0.5", "0", "0.5", "1.0"}},
               {1, 2, {1, 2}, {"1", "2"}});
  check_curves({{"low", {-0.03, 0.04, 0.01}}}, 0,
               {-0.03,
                0.04,
                {-0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.04},
                {"-0.03", "-0.02", "-0.01", "0", "0.01", "0.02", "0.03", "0.04"}},
               {1, 3, {1, 2, 3}, {"1", "2", "3"}});
  check_curves({{"large", {1e6, 4e6}}}, 0,
               {1e6,
                4e6,
                {1e6, 1.5e6, 2e6, 2.5e6, 3e6, 3.5e6, 4e6},
                {"1e+06", "1.5e+06", "2e+06", "2.5e+06", "3e+06", "3.5e+06", "4e+06"}},
               {1, 2, {1, 2}, {"1", "2"}});
  check_curves({{"small", {0, 8e-6}}}, 0,
               {0,
                8e-6,
                {0, 1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6, 7e-6, 8e-6},
                {"0", "1e-06", "2e-06", "3e-06", "4e-06", "5e-06", "6e-06", "7e-06", "8e-06"}},
               {1, 2, {1, 2}, {"1", "2"}});
}

TEST_CASE("the numbers of an axis: no more than eight steps, and as many digits as a step needs") {
  const Ticks x{1, 2, {1, 2}, {"1", "2"}};
  check_curves({{"a", {0, 1.7}}}, 0, {0, 2, {0, 0.5, 1, 1.5, 2}, {"0", "0.5", "1.0", "1.5", "2.0"}},
               x);
  check_curves({{"a", {0, 1.3e-3}}}, 0,
               {0,
                1.4e-3,
                {0, 2e-4, 4e-4, 6e-4, 8e-4, 1e-3, 1.2e-3, 1.4e-3},
                {"0", "0.0002", "0.0004", "0.0006", "0.0008", "0.0010", "0.0012", "0.0014"}},
               x);
  check_curves(
      {{"a", {0, 3.8e-4}}}, 0,
      {0,
       4e-4,
       {0, 5e-5, 1e-4, 1.5e-4, 2e-4, 2.5e-4, 3e-4, 3.5e-4, 4e-4},
       {"0", "5e-05", "0.0001", "0.00015", "0.0002", "0.00025", "0.0003", "0.00035", "0.0004"}},
      x);
}

TEST_CASE("up to 40 epochs each has a point, and the first epoch is named though it is not round") {
  std::vector<double> values(40);
  for (std::size_t i = 0; i < 40; ++i) values[i] = static_cast<double>(i) / 10;
  const Ticks x40{
      1, 40, {5, 10, 15, 20, 25, 30, 35, 40}, {"5", "10", "15", "20", "25", "30", "35", "40"}};
  const Ticks y{0,
                4,
                {0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4},
                {"0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0", "3.5", "4.0"}};
  check_curves({{"a", values}}, 12, y, x40);
  const std::string svg = curves_svg("", {{"a", values}});
  CHECK(elements(svg, "circle").size() == 40);
  check_place(the(elements(svg, "text"), "1"), 60, 288);
  values.push_back(4);
  CHECK(elements(curves_svg("", {{"a", values}}), "circle").empty());
  check_curves({{"a", values}}, 0, y, {1, 41, {5, 10, 15, 20, 25, 30, 35, 40}, x40.names});
}

namespace {

void check_histogram(const std::vector<Scalar>& values, int bins, double low, double high,
                     const std::vector<int>& counts, const Ticks& y, const Ticks& x,
                     const std::vector<std::string>& facts) {
  const Tensor tensor = Tensor::from({static_cast<Index>(values.size())}, values);
  const std::string svg = histogram_svg("Title", tensor, bins);
  check_place(the(elements(svg, "text"), "Title"), 16, 26, 15);
  check_ticks_y(svg, y);
  check_ticks_x(svg, y.values.size(), x);
  const auto bars = elements(svg, "rect class=\"f0\"");
  REQUIRE(bars.size() == counts.size());
  const double width = 290.0 / bins, interval = (high - low) / bins;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double top = at_y(counts[i], y.low, y.high);
    const auto n = static_cast<double>(i);
    check_box(bars[i], 60 + width * n, top, 0.92 * width, 270 - top);
    CHECK(bars[i].text ==
          text_of("%.4g to %.4g: %d", low + n * interval, low + (n + 1) * interval, counts[i]));
  }
  for (std::size_t i = 0; i < facts.size(); ++i)
    check_place(the(elements(svg, "text"), facts[i]), 16, 332 + 20 * static_cast<double>(i));
  check_place(the(elements(svg, "text"), "value"), 205, 308);
  const auto zero = elements(svg, "line class=\"zero\"");
  REQUIRE(zero.size() == (low <= 0 && high >= 0 ? 1U : 0U));
  if (zero.empty()) return;
  const double at = 60 + 290 * (0 - low) / (high - low);
  check_line(zero[0], at, at, 66, 270);
}

}  // namespace

TEST_CASE("a histogram has each bar, number and fact in its place") {
  check_histogram({-1, 0, 0, 1, 3}, 4, -1, 3, {1, 2, 1, 1},
                  {0, 2, {0, 0.5, 1, 1.5, 2}, {"0", "0.5", "1.0", "1.5", "2.0"}},
                  {-1,
                   3,
                   {-1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3},
                   {"-1.0", "-0.5", "0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"}},
                  {"5 values, min -1, max 3", "mean 0.6, deviation 1.356, exactly 0: 40.0%"});
  std::vector<Scalar> many(13, 12);
  for (int i = 0; i < 5; ++i) many.push_back(20);
  many.push_back(17);
  many.push_back(10);
  check_histogram(many, 5, 10, 20, {1, 13, 0, 1, 5},
                  {0, 14, {0, 2, 4, 6, 8, 10, 12, 14}, {"0", "2", "4", "6", "8", "10", "12", "14"}},
                  {10, 20, {10, 12, 14, 16, 18, 20}, {"10", "12", "14", "16", "18", "20"}},
                  {"20 values, min 10, max 20", "mean 14.15, deviation 3.582, exactly 0: 0.0%"});
}

TEST_CASE("a histogram has forty intervals unless others are asked for") {
  CHECK(elements(histogram_svg("", Tensor::vector({0, 1})), "rect class=\"f0\"").size() == 40);
  CHECK_THROWS_AS(histogram_svg("", Tensor::vector({0, 1}), 0), Error);
  CHECK(elements(histogram_svg("", Tensor::vector({0, 1}), 1), "rect class=\"f0\"").size() == 1);
}

namespace {

struct Box {
  double x, y, width, height;
  std::string kind;
  std::vector<std::string> lines;
};

std::map<std::string, Box> boxes_of(const std::string& svg) {
  std::map<std::string, Box> boxes;
  for (std::size_t i = svg.find("<g "); i != std::string::npos; i = svg.find("<g ", i + 1)) {
    const std::string part = svg.substr(i, svg.find("</g>", i) - i);
    const Element rect = elements(part, "rect")[0];
    Box box{rect("x"), rect("y"), rect("width"), rect("height"), "", {}};
    box.kind = rect.tag.substr(0, rect.tag.find("\" x="));
    for (const Element& text : elements(part, "text")) {
      CHECK(text("font-size") == 13 - static_cast<double>(box.lines.size()));
      check_near(text("y"), box.y + 20 + 16 * static_cast<double>(box.lines.size()));
      box.lines.push_back(text.text);
      check_near(text("x"), box.x + box.width / 2);
    }
    boxes[box.lines[0]] = box;
  }
  return boxes;
}

// Arrows by where they start and end.
struct Arrow {
  double x1, y1, x2, y2;
  bool data;
  std::string path;
};

std::vector<Arrow> arrows_of(const std::string& svg) {
  std::vector<Arrow> arrows;
  for (const Element& e : elements(svg, "path class=\"arrow")) {
    const std::string path = e.tag.substr(e.tag.find(" d=\"") + 4);
    Arrow arrow{0, 0, 0, 0, e.has("arrow data"), path};
    std::sscanf(path.c_str(), "M%lf %lf", &arrow.x1, &arrow.y1);
    const std::size_t last = path.find_last_of(' ', path.size() - 2);
    const std::size_t before = path.find_last_of(" ", last - 1);
    arrow.x2 = std::stod(path.substr(before + 1));
    arrow.y2 = std::stod(path.substr(last + 1));
    arrows.push_back(arrow);
  }
  return arrows;
}

// There is an arrow from the middle below one box to input number k of n of another.
void check_arrow(const std::vector<Arrow>& arrows, const Box& from, const Box& to, int k, int n,
                 bool data) {
  CAPTURE(from.lines[0]);
  CAPTURE(to.lines[0]);
  int found = 0;
  const double port = to.x + to.width * k / (n + 1.0);
  for (const Arrow& a : arrows)
    found += std::abs(a.x1 - (from.x + from.width / 2)) < 0.11 &&
             std::abs(a.y1 - (from.y + 62)) < 0.11 && std::abs(a.x2 - port) < 0.11 &&
             std::abs(a.y2 - (to.y - 7)) < 0.11 && a.data == data;
  CHECK(found == 1);
}

}  // namespace

TEST_CASE(
    "a graph: rows from top to bottom, arrows from each input to its port, kinds told apart") {
  const Tensor w = Tensor::from({2}, {1, 2}).requires_grad(true).named("w");
  const Tensor x = Tensor::from({2}, {3, 4}).named("x");
  const Tensor p = (w * x).named("p");
  const Tensor q = (p / w).named("q");
  const Tensor r = exp(q).named("r");
  const Tensor s = (r - p).named("s");
  const int line = __LINE__ - 1;
  const std::string svg = graph_svg("Title", s);
  const auto boxes = boxes_of(svg);
  const auto arrows = arrows_of(svg);
  REQUIRE(boxes.size() == 6);
  const std::map<std::string, double> rows{{"w", 0}, {"x", 0}, {"p", 1},
                                           {"q", 2}, {"r", 3}, {"s", 4}};
  for (const auto& [name, row] : rows) {
    check_near(boxes.at(name).y, 76 + 112 * row);
    CHECK(boxes.at(name).height == 62);
    const std::string kind = name == "w"   ? "<rect class=\"box parameter"
                             : name == "x" ? "<rect class=\"box data"
                                           : "<rect class=\"box";
    CHECK(boxes.at(name).kind == kind);
  }
  REQUIRE(arrows.size() == 7);
  check_arrow(arrows, boxes.at("w"), boxes.at("p"), 1, 2, false);
  check_arrow(arrows, boxes.at("x"), boxes.at("p"), 2, 2, true);
  check_arrow(arrows, boxes.at("p"), boxes.at("q"), 1, 2, false);
  check_arrow(arrows, boxes.at("w"), boxes.at("q"), 2, 2, false);
  check_arrow(arrows, boxes.at("q"), boxes.at("r"), 1, 1, false);
  check_arrow(arrows, boxes.at("r"), boxes.at("s"), 1, 2, false);
  check_arrow(arrows, boxes.at("p"), boxes.at("s"), 2, 2, false);
  CHECK(boxes.at("w").lines[1] == "parameter [2]");
  CHECK(boxes.at("x").lines[1] == "data [2]");
  CHECK(boxes.at("s").lines[1] == "subtract [2]");
  CHECK(boxes.at("s").lines[2] == "picture_numbers_test.cpp:" + std::to_string(line));
  check_near(elements(svg, "svg")[0]("height"), 76 + 5 * 112 - 50 + 24);
  check_place(the(elements(svg, "text"), "Title"), 24, 28);
  double legend = 24;
  for (const std::string name : {"parameter", "data (takes no gradient)", "computed"}) {
    check_place(the(elements(svg, "text"), name), legend + 33, 52);
    legend += 33 + 6.6 * static_cast<double>(name.size()) + 18;
  }
  // Long arrows go straight down where they pass a row, and through no box of it.
  for (const Arrow& arrow : arrows)
    for (std::size_t v = arrow.path.find('V'); v != std::string::npos;
         v = arrow.path.find('V', v + 1)) {
      const std::size_t last = arrow.path.find_last_of(' ', v);
      const std::size_t before = arrow.path.find_last_of(' ', last - 1);
      const double bx = std::stod(arrow.path.substr(before + 1)),
                   by = std::stod(arrow.path.substr(last + 1));
      check_near(std::stod(arrow.path.substr(v + 1)), by + 62);
      for (const auto& [name, box] : boxes)
        if (std::abs(box.y - by) < 1) CHECK((bx < box.x || bx > box.x + box.width));
    }
  CHECK(svg.find('V') != std::string::npos);
}

TEST_CASE("a chain stands in one column, two chains do not cross, and nothing leaves the picture") {
  const Tensor a = Tensor::from({2}, {1, 2}).requires_grad(true).named("a");
  const Tensor chain = exp(exp(a).named("b")).named("c");
  for (const auto& [name, box] : boxes_of(graph_svg("", chain)))
    check_near(box.x + box.width / 2, 240);
  const Tensor d = Tensor::from({2}, {1, 2}).requires_grad(true).named("d");
  const Tensor end =
      (exp(tanh(d).named("e")).named("f") - exp(tanh(a).named("b")).named("c")).named("g");
  const std::string svg = graph_svg("", end);
  auto boxes = boxes_of(svg);
  const char* left[] = {"d", "e", "f"};
  const char* right[] = {"a", "b", "c"};
  for (int i = 0; i < 3; ++i) {
    CHECK(boxes[left[i]].x + boxes[left[i]].width < boxes[right[i]].x);
    check_near(boxes[left[i]].x + boxes[left[i]].width / 2, boxes["d"].x + boxes["d"].width / 2);
    check_near(boxes[right[i]].x + boxes[right[i]].width / 2, boxes["a"].x + boxes["a"].width / 2);
  }
  const double width = elements(svg, "svg")[0]("width");
  for (const auto& [name, box] : boxes) CHECK((box.x >= 24 && box.x + box.width <= width - 23));
  // Both chains pull alike, so the end is in the middle of the two.
  check_near(boxes["g"].x + boxes["g"].width / 2,
             (boxes["f"].x + boxes["f"].width / 2 + boxes["c"].x + boxes["c"].width / 2) / 2);
}

TEST_CASE("a parameter stands just above the first operation that uses it") {
  const Tensor x = Tensor::from({2}, {1, 2}).requires_grad(true).named("x");
  const Tensor late = Tensor::from({2}, {1, 2}).requires_grad(true).named("late");
  const Tensor y = (exp(exp(x).named("b")).named("c") * late).named("y");
  const Tensor z = (y + late).named("z");
  auto boxes = boxes_of(graph_svg("", z));
  check_near(boxes["late"].y, boxes["c"].y);
  check_near(boxes["z"].y - boxes["y"].y, 112);
}

TEST_CASE("long names are cut in front in a graph, with whole characters") {
  const Tensor w = Tensor::scalar(1).requires_grad(true).named("äöü.abcdefghijklmnopqrstuvwxyz.12");
  const Tensor v = Tensor::scalar(1).requires_grad(true).named("abcdefghijklmnopqrstuvwxyz.123");
  const auto boxes = boxes_of(graph_svg("", w * v));
  CHECK(boxes.count("….abcdefghijklmnopqrstuvwxyz.12") +
            boxes.count("…abcdefghijklmnopqrstuvwxyz.12") ==
        1);
  CHECK(boxes.count("abcdefghijklmnopqrstuvwxyz.123") == 1);
}

TEST_CASE(
    "boxes of a graph are as wide as their text, 26 pixels apart, and the picture fits them") {
  const std::string long_a = "a_name_of_thirty_characters_aa",
                    long_b = "b_name_of_thirty_characters_bb";
  const Tensor a = Tensor::from({2}, {1, 2}).requires_grad(true).named(long_a);
  const Tensor b = Tensor::from({2}, {1, 2}).requires_grad(true).named(long_b);
  const std::string svg = graph_svg("", exp(a * b));
  auto boxes = boxes_of(svg);
  REQUIRE(boxes.size() == 4);
  for (const auto& [name, box] : boxes) {
    const double longest = std::max({8.6 * static_cast<double>(box.lines[0].size()),
                                     6.6 * static_cast<double>(box.lines[1].size()),
                                     6.2 * static_cast<double>(box.lines[2].size())});
    check_near(box.width, std::max(longest + 24, 96.0));
  }
  check_near(boxes[long_a].width, 282);
  check_near(boxes[long_b].x - boxes[long_a].x, 282 + 26);
  check_near(boxes[long_a].x, 24);
  check_near(elements(svg, "svg")[0]("width"), 2 * 282 + 26 + 2 * 24);
  check_near(boxes["multiply"].x + boxes["multiply"].width / 2, 24 + 282 + 13);
  // An arrow leaves and arrives upright, half of the way each.
  const double x = boxes[long_a].x + 141, port = boxes["multiply"].x + boxes["multiply"].width / 3;
  const std::string path =
      text_of("M%.1f 138.0C%.1f 159.5 %.1f 159.5 %.1f 181.0", x, x, port, port);
  bool found = false;
  for (const Arrow& arrow : arrows_of(svg)) found |= arrow.path.find(path) == 0;
  CHECK(found);
  // A box with the longest text in its second or third line.
  const Tensor c = Tensor::zeros({1000, 2}).requires_grad(true).named("c");
  for (const auto& [name, box] : boxes_of(graph_svg("", exp(c))))
    check_near(box.width, std::max({6.6 * static_cast<double>(box.lines[1].size()),
                                    6.2 * static_cast<double>(box.lines[2].size()), 72.0}) +
                              24);
}
