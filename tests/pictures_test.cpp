// Pictures: well formed whatever the words, complete, and refused where they would mislead.

#include <doctest/doctest.h>
#include <gradus/check_gradients.h>
#include <gradus/check_training.h>
#include <gradus/gradus.h>

#include <clocale>
#include <cmath>
#include <locale>

using namespace gradus;

namespace {

// What is wrong with a document in XML, "" if nothing: every tag closed by its own name, no loose
// "<" or "&". Comments and such are not needed here, one CDATA section is skipped.
std::string fault(std::string xml) {
  const std::size_t raw = xml.find("<![CDATA["), raw_end = xml.find("]]>");
  if (raw != std::string::npos) xml.erase(raw, raw_end + 3 - raw);
  std::vector<std::string> open;
  for (std::size_t i = 0; i < xml.size(); ++i) {
    if (xml[i] == '&' && xml.compare(i, 5, "&amp;") && xml.compare(i, 4, "&lt;") &&
        xml.compare(i, 4, "&gt;") && xml.compare(i, 6, "&quot;"))
      return "loose & in " + xml.substr(i, 40);
    if (xml[i] != '<' || xml[i + 1] == '!') continue;
    const std::size_t end = xml.find('>', i);
    const std::string tag = xml.substr(i + 1, end - i - 1);
    if (end == std::string::npos || tag.find('<') != std::string::npos)
      return "loose < in " + xml.substr(i, 40);
    const std::string name = tag.substr(0, tag.find_first_of(" \n/", 1));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return "<" + tag + "> closes another";
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t i = text.find(part); i != std::string::npos; i = text.find(part, i + 1)) ++found;
  return found;
}

bool has(const std::string& text, const std::string& part) {
  return count(text, part) > 0;
}

template <class Act>
std::string refusal(const Act& act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(has(error.what(), "at tests/pictures_test.cpp:"));
    return error.what();
  }
  return "not refused";
}

const std::vector<std::string> hostile{"<script>alert(1)</script>", "\"it's\"", "&amp;",
                                       "für 日本"};

Tensor weights_for(const Shape& shape) {
  Random random(1);
  return softmax(Tensor::normal(shape, 0, 2, random));
}

Tensor paper_loss() {
  const Tensor w = Tensor::scalar(3).requires_grad(true).named("w");
  const Tensor x = Tensor::scalar(2).named("x <1> & \"2\"");
  Tensor product = w * x;
  Tensor loss = pow(product.named("product") - 5, 2);
  return loss.named("loss");
}

}  // namespace

TEST_CASE("the test of well-formedness finds what is wrong") {
  CHECK(fault("<a><b/>x &lt; y</a>").empty());
  CHECK_FALSE(fault("<a><b></a>").empty());
  CHECK_FALSE(fault("<a>x & y</a>").empty());
  CHECK_FALSE(fault("<a>").empty());
}

TEST_CASE("every picture is well formed whatever the words are") {
  const Tensor weights = weights_for({2, 3, 4, 4});
  const std::string title = "a < b & \"c\"";
  CHECK(fault(attention_svg(title, hostile, hostile, weights)) == "");
  CHECK(fault(attention_html(title, {{"", hostile, weights}})) == "");
  CHECK(fault(attention_html(title, {{title, hostile, weights}})) == "");
  CHECK(fault(curves_svg(title, {{hostile[0], {1, 2}}, {hostile[2], {2, 1}}})) == "");
  CHECK(fault(histogram_svg(title, weights)) == "");
  CHECK(fault(graph_svg(title, paper_loss())) == "");
}

TEST_CASE("who listens to a picture hears its title and what it shows") {
  const auto starts = [](const std::string& svg, const std::string& description) {
    const std::size_t end = svg.find(">\n");
    const std::string head = "<title>a &lt; b</title>\n<desc>" + description + "</desc>\n";
    CHECK_MESSAGE(svg.compare(end + 2, head.size(), head) == 0, svg.substr(0, 600));
    CHECK(has(svg.substr(0, end), "role=\"img\""));
  };
  const double bad = std::nan("");
  starts(
      curves_svg("a < b", {{"loss", {bad, 3, 1, 2}}, {"<none>", {bad}}}, 0, "step"),
      "Lines over step 1 to 4. loss: from 3 to 2, lowest 1 at step 3. &lt;none&gt;: no numbers. ");
  starts(dots_svg("a < b", {{"x", {3, 1}}, {"y", {4}}}, "loss"),
         "Dots over loss. x: 2 (1 to 3). y: 4 (4 to 4).");
  starts(histogram_svg("a < b", Tensor::vector({0, 0, 1, 3})),
         "How often values fall into each of equal intervals. 4 values, min 0, max 3. "
         "mean 1, deviation 1.225, exactly 0: 50.0%.");
  starts(attention_svg("a < b", {"p", "q"}, {"k", "&"}, Tensor::from({2, 2}, {1, 0, 0.25, 0.75})),
         "Squares, the darker the larger; rows are queries, columns are keys. "
         "Largest of a row: p → k 1.00, q → &amp; 0.75.");
  starts(attention_svg("a < b", {"p"}, {"k"}, Tensor::from({2, 2, 1, 1}, {1, 0.5, 0.25, 0.125})),
         "Squares, the darker the larger; rows are queries, columns are keys. "
         "layer 1, head 1, largest of a row: p → k 1.00. "
         "layer 1, head 2, largest of a row: p → k 0.50. "
         "layer 2, head 1, largest of a row: p → k 0.25. "
         "layer 2, head 2, largest of a row: p → k 0.12.");
  starts(graph_svg("a < b", paper_loss()),
         "A graph of 5 tensors, inputs on top; at the bottom loss [].");
}

TEST_CASE("a listener hears of the first twelve rows") {
  const std::vector<std::string> rows{"1", "2", "3",  "4",  "5",  "6", "7",
                                      "8", "9", "10", "11", "12", "13"};
  const std::string svg = attention_svg("", rows, {"k"}, Tensor::full({13, 1}, 1));
  CHECK(has(svg, ", 11 → k 1.00, 12 → k 1.00.</desc>"));
}

TEST_CASE("XML gets no character that it cannot hold") {
  CHECK(xml_text("a\x01\x1f\nb \"&\" <c>") == "a\nb &quot;&amp;&quot; &lt;c&gt;");
}

TEST_CASE("an attention picture says who looks at whom and which weights its shades stand for") {
  const Tensor weights = Tensor::from(
      {1, 2, 2}, std::vector<Scalar>{Scalar(0.25), Scalar(0.75), Scalar(0.5), Scalar(0.5)});
  const std::string svg = attention_svg("", {"a", "b"}, {"c", "d"}, weights);
  CHECK(has(svg, ">A row looks, a column is looked at.<"));
  CHECK(has(svg, ">0<"));
  CHECK(has(svg, ">0.75<"));
}

TEST_CASE("an attention page shows the words as they are and fetches nothing") {
  const std::string html = attention_html("Words", {{"", hostile, weights_for({2, 4, 4})}});
  CHECK(has(html, "<span>&lt;script&gt;alert(1)&lt;/script&gt;</span>"));
  CHECK(has(html, "<span>&amp;amp;</span>"));
  CHECK(has(html, "<span>für 日本</span>"));
  CHECK(count(html, "http") == 1);  // the name of XHTML
  CHECK(count(html, "src=") + count(html, "href=") + count(html, "@import") == 0);
}

TEST_CASE("an attention page holds the weights that were given") {
  const Tensor weights = Tensor::from({1, 2, 2}, std::vector<Scalar>{Scalar(0.25), Scalar(0.75),  //
                                                                     Scalar(0.125), Scalar(0.875)});
  CHECK(has(attention_html("Two words", {{"", {"a", "b"}, weights}}), "[0.25,0.75,\n0.125,0.875]"));
}

TEST_CASE("texts are pages; those with the same title, in a row, are one") {
  const Tensor weights = weights_for({2, 2});
  const std::vector<std::string> words{"a", "b"};
  const std::string html = attention_html("",
                                          {{"one", words, weights},
                                           {"one", words, weights, "says < no"},
                                           {"two", words, weights},
                                           {"two", words, weights}},
                                          "<svg></svg>");
  CHECK(count(html, "<section>") == 4);
  CHECK(count(html, "<h2>one</h2>") == 1);
  CHECK(count(html, "<h2>two</h2>") == 1);
  CHECK(has(html, "max=\"2\""));
  CHECK(has(html, "<p class=\"note\">says &lt; no</p>"));
  CHECK(count(html, "<figure><svg></svg></figure>") == 1);
  CHECK(fault(html) == "");
  CHECK(has(html, " Arrow keys go from page to page."));
  const std::string one = attention_html("", {{"one", words, weights}});
  CHECK_FALSE(has(one, "id=\"time\""));
  CHECK_FALSE(has(one, "Arrow keys"));
}

TEST_CASE("an effect is a signed number and a bar below its word, the largest as wide as it") {
  const std::vector<std::string> words{"a", "b"};
  const auto page = [&](const Tensor& effect) {
    return attention_html("", {{"", words, weights_for({2, 2}), "", effect}});
  };
  const std::string html = page(Tensor::vector({1, -4}));
  CHECK(has(html, "<i class=\"for\" style=\"--part:0.25\">+1.00</i>"));
  CHECK(has(html, "<i class=\"against\" style=\"--part:1.00\">-4.00</i>"));
  CHECK(has(html, " The bar below a word is its effect."));
  CHECK_FALSE(has(page({}), "The bar below a word"));
  CHECK(count(page(Tensor::zeros({2})), "--part:0.00") == 2);
  CHECK(has(refusal([&] { page(Tensor::zeros({3})); }), "one number for each of 2 words"));
  CHECK(has(refusal([&] { page(Tensor::vector({1, std::nanf("")})); }), "one number for each"));
}

TEST_CASE("only what can be chosen has buttons") {
  const std::vector<std::string> words{"a", "b"};
  const std::string one = attention_html("", {{"", words, weights_for({2, 2})}});
  CHECK(count(one, "data-choice=\"head\"") == 0);
  CHECK(count(one, "data-choice=\"layer\"") == 0);
  CHECK(count(one, "data-choice=\"direction\"") == 2);
  const std::string many = attention_html("", {{"", words, weights_for({3, 4, 2, 2})}});
  CHECK(count(many, "data-choice=\"head\"") == 5);  // and their mean
  CHECK(count(many, "data-choice=\"layer\"") == 3);
  CHECK(has(many, "<body data-layers=\"3\" data-heads=\"4\">"));
  for (const char* button : {"\"layer\" data-value=\"0\" aria-pressed=\"false\">1<",
                             "\"head\" data-value=\"3\" aria-pressed=\"false\">4<",
                             "\"head\" data-value=\"4\" aria-pressed=\"false\">mean<",
                             "\"direction\" data-value=\"at\" aria-pressed=\"false\">looks at<",
                             "\"direction\" data-value=\"by\" aria-pressed=\"false\">is looked"})
    CHECK_MESSAGE(has(many, button), button);
}

TEST_CASE("weights that do not fit the words are refused by every picture of them") {
  const std::vector<std::string> three{"a", "b", "c"}, two{"a", "b"};
  const Tensor weights = weights_for({3, 3});
  const Tensor five = Tensor::zeros({1, 1, 1, 3, 3});
  Tensor broken = Tensor::zeros({3, 3});
  broken.mutable_data()[4] = std::nanf("");
  CHECK(has(refusal([&] { attention_svg("", two, three, weights); }), "[.., 2, 3] are needed"));
  CHECK(has(refusal([&] { attention_svg("", three, two, weights); }), "[.., 3, 2] are needed"));
  CHECK(has(refusal([&] { attention_svg("", {"a"}, three, Tensor::zeros({3})); }), "not [3]"));
  CHECK(has(refusal([&] { attention_html("", {{"", two, weights}}); }), "[.., 2, 2] are needed"));
  CHECK(has(refusal([&] { attention_html("", {{"", three, five}}); }), "not [1, 1, 1, 3, 3]"));
  CHECK(has(refusal([&] { attention_svg("", three, three, broken); }), "not a number"));
  CHECK(has(refusal([&] { attention_html("", {{"", three, broken}}); }), "not a number"));
}

TEST_CASE("a tensor without values is refused, by the line that asks for the picture") {
  const std::vector<std::string> two{"a", "b"};
  const Tensor none;
  CHECK(has(refusal([&] { attention_svg("", two, two, none); }), "pictures_test.cpp"));
  CHECK(has(refusal([&] { attention_html("", {{"", two, none}}); }), "pictures_test.cpp"));
}

TEST_CASE("a page refuses what it cannot show") {
  const std::vector<std::string> two{"a", "b"};
  CHECK(has(refusal([&] { attention_html("", {}); }), "no text"));
  CHECK(
      has(refusal([&] {
            attention_html("", {{"", two, weights_for({2, 2})}, {"", two, weights_for({3, 2, 2})}});
          }),
          "same layers and heads"));
  CHECK(has(refusal([&] {
              attention_html(
                  "", {{"", two, weights_for({2, 3, 2, 2})}, {"", two, weights_for({1, 3, 2, 2})}});
            }),
            "same layers and heads"));
  CHECK(has(refusal([&] {
              attention_html("", {{"", {"a", "\xff"}, weights_for({2, 2})}});
            }),
            "UTF-8"));
  const std::vector<std::string> long_text(1500, "word");
  CHECK(has(refusal([&] {
              attention_html("", {{"", long_text, Tensor::zeros({1500, 1500})}});
            }),
            "2250000 weights are too many"));
  CHECK(has(refusal([&] {
              attention_html("", {{"", two, Tensor::zeros({2, 1000, 1001})}});
            }),
            "2002000 weights are too many"));
  CHECK(has(refusal([&] {
              attention_html(
                  "", {{"", two, Tensor::zeros({2, 1000, 1000})}, {"", two, weights_for({2, 2})}});
            }),
            "2000004 weights are too many"));
  CHECK(has(refusal([&] {
              attention_html("", {{"", two, Tensor::zeros({2, 1000, 1000})}});
            }),
            "[.., 2, 2] are needed"));
}

TEST_CASE("a graph has a box for each tensor and an arrow for each use") {
  const Tensor w = Tensor::scalar(3).requires_grad(true).named("w");
  const Tensor square = w * w;
  const std::string svg = graph_svg("w²", square + w);
  CHECK(count(svg, "<g ") == 3);
  CHECK(count(svg, "marker-end") == 4);
  CHECK(count(graph_svg("paper", paper_loss()), "<g ") == 5);
}

TEST_CASE("a box names operation, label, shape and line, and tells the statistics") {
  const Tensor loss = paper_loss();
  const std::string before = graph_svg("", loss);
  for (const char* text : {">w<", ">x &lt;1&gt; &amp; &quot;2&quot;<", ">product<", ">loss<",
                           ">subtract<", "parameter [] = 3", "data [] = 2", "multiply [] = 6",
                           ">pictures_test.cpp:", "no gradient yet", "takes no gradient"})
    CHECK_MESSAGE(has(before, text), text);
  loss.backward();
  const std::string after = graph_svg("", loss);
  CHECK(has(after, "parameter [] = 3, gradient 4"));  // 2 (3·2 - 5) · 2
  CHECK(has(graph_svg("", Tensor::full({1, 1}, 7).requires_grad(true) * 2), "[1, 1] = 14"));
  CHECK(has(after, "gradient: min 4, max 4, mean 4, deviation 0"));
}

TEST_CASE("an arrow tells what flows back along it, and drawing changes nothing") {
  const Tensor w = Tensor::scalar(3).requires_grad(true).named("w");
  const Tensor x = Tensor::vector({1, 2}).named("x");
  const Tensor y = (w * x).named("y");  // 3 6
  const Tensor loss = sum(y * y) + w;   // 48; the gradient of y is 2y
  CHECK(count(graph_svg("", loss), "↑") == 0);
  loss.backward();
  const std::string svg = graph_svg("", loss);
  CHECK(count(svg, ">↑ 1<") == 2);            // of the sum: to sum(y * y), and to w
  CHECK(count(svg, ">↑ length 1.41<") == 2);  // √2: sum, of two operations, hands 1 1 to y * y
  CHECK(count(svg, ">↑ length 13.4<") == 1);  // 6 12, both shares of y * y together
  CHECK(count(svg, ">↑ 30<") == 1);           // 6·1 + 12·2
  CHECK(count(svg, "↑ what flows back") == 1);
  CHECK(w.grad().item() == 31);
  CHECK(y.grad().at({1}) == 12);
  CHECK(graph_svg("", loss) == svg);
}

TEST_CASE(
    "what flows back is not told of values that were changed since, nor to those who look on") {
  Tensor w = Tensor::scalar(3).requires_grad(true).named("w");
  const Tensor y = (w * w).named("y");
  const Tensor loss = exp(y * 0).named("loss");
  loss.backward();
  struct Counter : Watcher {
    void after_forward(const Tensor&, std::span<const Edge>) override { ++calls; }
    int calls = 0;
  } counter;
  add_watcher(counter);
  CHECK(count(graph_svg("", loss), ">↑") == 4);  // three arrows, and what that means
  CHECK(counter.calls == 0);
  w * 1;
  CHECK(counter.calls == 1);
  remove_watcher(counter);
  w.mutable_values()[0] = 4;
  CHECK(count(graph_svg("", loss), ">↑") == 3);
}

TEST_CASE("what flows back is not told where the result itself was changed since") {
  const Tensor w = Tensor::scalar(3).requires_grad(true);
  Tensor y = exp(w);
  y.backward();
  CHECK(has(graph_svg("", y), ">↑ "));
  y.mutable_values()[0] = 4;
  CHECK_FALSE(has(graph_svg("", y), ">↑ "));
}

TEST_CASE("a result whose graph was freed is drawn as one that was computed, and says so") {
  const Tensor w = Tensor::vector({1, 2}).requires_grad(true);
  const Tensor y = (w * 2).named("y");
  sum(y).backward(Graph::free);
  const std::string svg = graph_svg("", sum(y * 3));
  CHECK(has(svg, ">multiply [2]<"));
  CHECK_FALSE(has(svg, ">parameter [2]<"));
  CHECK(count(svg, "its graph was freed") == 1);
}

TEST_CASE("drawing a graph after an optimiser's step leaves the gradient used, not stale") {
  Tensor w = Tensor::scalar(3).requires_grad(true);
  const Tensor loss = w + 1;  // does not read w again
  loss.backward();
  Sgd optimizer({{"w", w}}, {.learning_rate = 1});
  optimizer.step();
  graph_svg("", loss);
  CHECK(w.node()->gradient_use == GradientUse::used);
}

TEST_CASE("boxes of one layer do not overlap") {
  Random random(1);
  TransformerEncoder encoder(8, 16, 2, random);
  const std::string svg = graph_svg("", sum(encoder(Tensor::zeros({1, 3, 8}))));
  struct Box {
    double x, y, width;
  };
  std::vector<Box> boxes;
  for (std::size_t i = svg.find("</title><rect"); i != std::string::npos;
       i = svg.find("</title><rect", i + 1)) {
    const auto number = [&](const std::string& name) {
      return std::stod(svg.substr(svg.find(" " + name + "=\"", i) + name.size() + 3, 12));
    };
    boxes.push_back({number("x"), number("y"), number("width")});
  }
  REQUIRE(boxes.size() > 20);
  for (const Box& a : boxes)
    for (const Box& b : boxes)
      CHECK((&a == &b || a.y != b.y || a.x + a.width < b.x || b.x + b.width < a.x));
}

TEST_CASE("graphs that are too large, freed or missing are refused") {
  const Tensor w = Tensor::scalar(1).requires_grad(true);
  Tensor deep = w;
  for (int i = 0; i < 300'000; ++i) deep = deep + 1;
  CHECK(has(refusal([&] { graph_svg("", deep); }), "more than 400 tensors"));
  CHECK(has(refusal([&] { graph_svg("", w * 2 + 1, 2); }), "more than 2 tensors"));
  CHECK(refusal([&] { graph_svg("", w * 2 + 1, 3); }) == "not refused");
  CHECK(has(refusal([&] { graph_svg("", w); }), "has no graph"));
  const Tensor loss = w * 2;
  loss.backward(Graph::free);
  CHECK(has(refusal([&] { graph_svg("", loss); }), "was freed"));
}

TEST_CASE("curves are broken where a value is not a number") {
  const std::string svg = curves_svg("", {{"loss", {3, 2, std::nan(""), 1, 0}}});
  CHECK(count(svg, "<circle") == 4);
  const std::string path = svg.substr(svg.find("class=\"line s0\""));
  CHECK(count(path.substr(0, path.find("/>")), "M") == 2);
  CHECK(has(refusal([] { curves_svg("", {{"loss", {std::nan("")}}}); }), "nothing to draw"));
}

TEST_CASE("curves say what they run over: epochs, or what is named") {
  const std::string epochs = curves_svg("", {{"loss", {3, 2}}});
  CHECK(has(epochs, ">epoch</text>"));
  CHECK(has(epochs, "loss, epoch 2: 2<"));
  CHECK_FALSE(has(epochs, ">best<"));
  const std::string steps = curves_svg("", {{"loss", {3, 2}}}, 0, "<step>");
  CHECK(has(steps, ">&lt;step&gt;</text>"));
  CHECK(has(steps, "loss, &lt;step&gt; 2: 2<"));
  CHECK_FALSE(has(steps, "epoch"));
}

TEST_CASE("dots are refused where there are none, or a value is not a number") {
  CHECK(has(refusal([] { dots_svg("", {}, ""); }), "nothing to draw"));
  CHECK(has(refusal([] { dots_svg("", {{"a", {1}}, {"b", {}}}, ""); }), "\"b\" has no values"));
  for (const double bad : {std::nan(""), double(INFINITY), -1e308})
    CHECK(has(refusal([&] {
                dots_svg("", {{"a", {1, bad}}}, "");
              }),
              "a value of \"a\" is not a number"));
  CHECK(fault(dots_svg(hostile[0], {{hostile[1], {1, 2}}}, hostile[2])) == "");
}

TEST_CASE("a histogram counts every value once and marks zero where it is") {
  const Tensor values = Tensor::vector({-1, 0, 0, 1, 3});
  const std::string svg = histogram_svg("", values, 4);
  for (const char* bar :
       {"-1 to 0: 1<", "0 to 1: 2<", "1 to 2: 1<", "2 to 3: 1<", "exactly 0: 40.0%"})
    CHECK_MESSAGE(has(svg, bar), bar);
  CHECK(has(svg, "class=\"zero\""));
  CHECK(has(histogram_svg("", Tensor::vector({0, 2})), "class=\"zero\""));
  CHECK_FALSE(has(histogram_svg("", Tensor::vector({1, 2})), "class=\"zero\""));
  CHECK(has(histogram_svg("", Tensor::full({7}, 3), 5), "2.7 to 3.3: 7<"));
}

TEST_CASE(
    "a histogram counts apart what is not a number, and is refused if nothing else is there") {
  const Scalar bad = std::nanf("");
  const std::string svg = histogram_svg("", Tensor::vector({bad, 1, INFINITY, 2, 2, -INFINITY}), 2);
  for (const char* part :
       {"1 to 1.5: 1<", "1.5 to 2: 2<", ">3 not shown: no number<", ">6 values, min 1, max 2<"})
    CHECK_MESSAGE(has(svg, part), part);
  CHECK(has(histogram_svg("", Tensor::vector({0, bad})), "exactly 0: 50.0%"));
  CHECK_FALSE(has(histogram_svg("", Tensor::vector({1, 2})), "not shown"));
  CHECK(has(refusal([&] {
              histogram_svg("", Tensor::vector({INFINITY, bad}).named("dx"));
            }),
            "no value of dx [2] is a number"));
}

TEST_CASE(
    "curves of the largest numbers have a gap there, and no picture has a place that is none") {
  for (const double huge : {1e308, -1e308, 1.7e308}) {
    const std::vector<Curve> curves{{"loss", {1, huge, -huge, 3, 2}}};
    const std::string svg = curves_svg("", curves);
    CHECK(count(svg, "<circle") == 3);
    CHECK_FALSE(has(svg, "nan"));
    CHECK_FALSE(has(svg, "inf"));
    CHECK_FALSE(has(svg, "e+"));
    CHECK(has(refusal([&] { curves_svg("", {{"", {huge}}}); }), "nothing to draw"));
  }
  CHECK(count(curves_svg("", {{"", {1e300, -1e300}}}), "<circle") == 2);
  CHECK_FALSE(has(curves_svg("", {{"", {1e300, -1e300}}}), "nan"));
}

TEST_CASE("text that is not UTF-8 is refused by every picture for a browser") {
  const std::string bad = "a\xff\xfe";
  const std::vector<std::string> words{"b", bad}, good{"b", "c"};
  const Tensor weights = weights_for({2, 2});
  const Tensor w = Tensor::scalar(1).requires_grad(true).named(bad);
  for (const std::string& message :
       {refusal([&] { attention_svg(bad, good, good, weights); }),
        refusal([&] { attention_svg("", words, good, weights); }),
        refusal([&] { attention_svg("", good, words, weights); }), refusal([&] {
          attention_html("", {{"", words, weights}});
        }),
        refusal([&] {
          curves_svg("", {{bad, {1, 2}}});
        }),
        refusal([&] {
          dots_svg("", {{bad, {1, 2}}}, "");
        }),
        refusal([&] { histogram_svg(bad, weights); }), refusal([&] { graph_svg("", w * 2); })})
    CHECK_MESSAGE(has(message, "UTF-8"), message);
}

TEST_CASE("numbers have points whatever the locale") {
  const Tensor weights = weights_for({1, 3, 3});
  const std::vector<std::string> words{"a", "b", "c"};
  const Tensor w = Tensor::from({1}, {Scalar(0.5)}).requires_grad(true).named("w");
  const Tensor loss = w * Scalar(2.25);
  loss.backward(Tensor::from({1}, {Scalar(1.5)}));
  const auto pictures = [&] {
    std::string all = attention_svg("", words, words, weights) +
                      attention_html("", {{"", words, weights}}) + histogram_svg("", weights, 7) +
                      curves_svg("", {{"loss", {0.5, 0.25}}}, 2) + graph_svg("", loss) +
                      dots_svg("", {{"loss", {0.5, 0.25}}}, "") + to_string(weights);
    return all + check_gradients([](const std::vector<Tensor>& x) { return exp(x[0]); }, {w}).text +
           judge_first_loss(sum(loss), 3, Where::at("", 1)) + layer_table(sum(loss));
  };
  const std::string before = pictures();
  struct Commas : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
  };
  const std::locale plain = std::locale::global(std::locale(std::locale(), new Commas));
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"})
    if (std::setlocale(LC_ALL, name)) break;
  const std::string after = pictures();
  std::setlocale(LC_ALL, "C");
  std::locale::global(plain);
  CHECK(after == before);
}
