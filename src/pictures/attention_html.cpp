#include <gradus/files.h>
#include <gradus/picture.h>

#include "../inspect/statistics.h"
#include "attention_weights.h"
#include "page.h"
#include "svg.h"

#include <algorithm>
#include <cmath>

namespace gradus {

namespace {

constexpr Index most_weights = 2'000'000;  // more make a page of some 20 MB, which browsers hate

// A row of buttons with their values. Nothing if there is nothing to choose.
using Choices = std::vector<std::pair<std::string, std::string>>;
std::string buttons(const std::string& title, const std::string& choice, const Choices& choices) {
  if (choices.size() < 2) return "";
  std::string html = "<div role=\"group\" aria-label=\"" + title + "\"><span>" + title + "</span>";
  for (const auto& [name, value] : choices)
    html += "<button type=\"button\" data-choice=\"" + choice + "\" data-value=\"" + value +
            "\" aria-pressed=\"false\">" + name + "</button>";
  return html + "</div>\n";
}

// Shown from 1 on, counted from 0.
Choices numbers(Index count) {
  Choices result;
  for (Index i = 0; i < count; ++i) result.push_back({std::to_string(i + 1), std::to_string(i)});
  return result;
}

std::string choices(Index layers, Index heads, std::size_t pages) {
  Choices of_head = numbers(heads);
  if (heads > 1) of_head.push_back({"mean", std::to_string(heads)});
  return "<nav class=\"choices\" aria-label=\"What is shown\">\n" +
         (pages > 1 ? "<div>" + page::turner("page", pages) + "</div>\n" : "") +
         buttons("Layer", "layer", numbers(layers)) + buttons("Head", "head", of_head) +
         buttons("The word", "direction", {{"looks at", "at"}, {"is looked at by", "by"}}) +
         "</nav>\n";
}

// What one word does, as a number and a bar: the largest of its text is as wide as the word.
std::string effect_bar(double effect, double largest) {
  return format("<i class=\"%s\" style=\"--part:%.2f\">%+.2f</i>", effect < 0 ? "against" : "for",
                largest > 0 ? std::abs(effect) / largest : 0.0, effect);
}

void check_effect(const AttendedText& text, const Where& where) {
  if (!text.effect.exists()) return;
  if (text.effect.size() != static_cast<Index>(text.words.size()) || count_bad(text.effect) > 0)
    fail("attention_html", where, "an effect must be one number for each of ", text.words.size(),
         " words, not ", describe(text.effect));
}

std::string section(const AttendedText& text, bool first) {
  std::string html = "<section>\n";
  if (first && !text.title.empty()) html += "<h2>" + xml_text(text.title) + "</h2>\n";
  if (!text.note.empty()) html += "<p class=\"note\">" + xml_text(text.note) + "</p>\n";
  html += "<div class=\"words\">\n";
  std::span<const Scalar> effect;
  if (text.effect.exists()) effect = text.effect.values();
  double largest = 0;
  for (const Scalar e : effect) largest = std::max(largest, std::abs(static_cast<double>(e)));
  for (std::size_t i = 0; i < text.words.size(); ++i)
    html += "<button type=\"button\" class=\"word\"><span>" + xml_text(text.words[i]) +
            "</span><small>\u00a0</small>" +
            (effect.empty() ? "" : effect_bar(static_cast<double>(effect[i]), largest)) +
            "</button>\n";
  html +=
      "</div>\n<p class=\"told\" aria-live=\"polite\"></p>\n<script type=\"application/json\">[";
  const std::span<const Scalar> weights = text.weights.values();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (i > 0) html += i % text.words.size() == 0 ? ",\n" : ",";
    html += format("%.5g", static_cast<double>(weights[i]));
  }
  return html + "]</script>\n</section>\n";
}

void check_size(const std::vector<AttendedText>& texts, const Where& where) {
  Index count = 0;
  for (const AttendedText& text : texts) count += text.weights.size(where);
  if (count > most_weights)
    fail("attention_html", where, count,
         " weights are too many for a page that a browser can show, ", most_weights,
         " is the most: give fewer texts or layers");
}

}  // namespace

std::string attention_html(const std::string& title, const std::vector<AttendedText>& texts,
                           const std::string& picture, Where where) {
  if (texts.empty()) fail("attention_html", where, "there is no text to show");
  check_size(texts, where);
  std::string sections;
  Shape shape;  // [L, H, …], of all
  std::size_t pages = 0;
  for (const AttendedText& text : texts) {
    check_effect(text, where);
    const std::size_t T = text.words.size();
    const Shape of_text = attention_shape("attention_html", text.weights, T, T, where);
    if (&text == &texts[0]) shape = of_text;
    if (of_text[0] != shape[0] || of_text[1] != shape[1])
      fail("attention_html", where,
           "all texts must have the same layers and heads: ", describe(texts[0].weights), " and ",
           describe(text.weights), " differ");
    const bool first = &text == &texts[0] || text.title != (&text - 1)->title;
    sections += section(text, first);
    pages += first;
  }
  std::string html =
      page::begin(title, page::attention_style) +
      worded("<body data-layers=\"", shape[0], "\" data-heads=\"", shape[1], "\">\n<h1>") +
      xml_text(title) + "</h1>\n" +
      "<p class=\"intro\">Point at a word, or reach it with the Tab key, to see its attention: the "
      "stronger the colour, the larger the weight. What a word looks at adds up to 1. A click or "
      "a tap holds the word, another lets it go." +
      (texts[0].effect.exists() ? " The bar below a word is its effect." : "") +
      (pages > 1 ? " Arrow keys go from page to page." : "") +
      "</p>\n"
      "<noscript><p>The numbers are shown by a small script in this page, which is switched "
      "off.</p></noscript>\n" +
      choices(shape[0], shape[1], pages) +
      (picture.empty() ? "" : "<figure>" + picture + "</figure>\n") + sections +
      "<script>//<![CDATA[" + page::attention_script + "//]]></script>\n</body>\n</html>\n";
  check_utf8(html, "the page of attention_html", where);
  return html;
}

}  // namespace gradus
