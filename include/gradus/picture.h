// Pictures that need no other program: SVG files and pages that every browser shows, light or dark
// as the reader's system is, in colours that colour-blind people can tell apart. They refuse text
// that is not UTF-8.
#pragma once

#include <gradus/tensor.h>

namespace gradus {

// Weights as squares, the stronger the larger, with a scale; rows are queries, columns are keys.
// weights [Tq, Tk] gives one square field, [H, Tq, Tk] one for each head, [L, H, Tq, Tk] a row of
// them for each layer. The number itself is shown when the mouse rests on a square.
// Errors: another rank, a number of words that is not Tq or Tk, a weight that is not a number.
std::string attention_svg(const std::string& title, const std::vector<std::string>& queries,
                          const std::vector<std::string>& keys, const Tensor& weights,
                          Where where = here());

// A page for a browser that shows texts word by word. Pointing at a word (or reaching it with the
// keyboard, or tapping it) shows how much it looks at every other, as shade and number, or, the
// other way round, how much each looks at it; layers and heads can be chosen. Texts are shown one
// at a time, and together if they follow each other with the same title; a slider and the arrow
// keys lead on, and keep the word that is chosen where the next text has the same words: so texts
// may be a training, epoch by epoch. Dot n of each curve of the `picture`, if there is one, is
// marked while page n is shown. The page fetches nothing. Its address can name what is shown,
// counted from 1:
//   build/reading.html#text=2&word=3&layer=1&head=1&direction=by      (or head=mean)
// Errors: no text, texts with different numbers of layers or heads, more than two million weights,
// an effect that is not one finite number a word, and those of attention_svg.
struct AttendedText {
  std::string title;
  std::vector<std::string> words;  // T
  Tensor weights;                  // [T, T], [H, T, T] or [L, H, T, T]
  std::string note = "";           // of the text, such as what a model says of it, and the truth
  Tensor effect = {};              // [T], below the words: for (above 0) or against something
};
std::string attention_html(const std::string& title, const std::vector<AttendedText>& texts,
                           const std::string& picture = "", Where where = here());

// Lines over epochs, or what `unit` says instead, interrupted where a value is not a number (or
// beyond 1e300); `marked_epoch`, from 1 on, is marked as the best. Errors: no value that could be
// drawn.
struct Curve {
  std::string name;
  std::vector<double> values;  // one for each epoch, from 1 on
};
std::string curves_svg(const std::string& title, const std::vector<Curve>& curves,
                       int marked_epoch = 0, const std::string& unit = "epoch",
                       Where where = here());

// Each row's values as dots on one scale, `unit`, with a line at their median, which also stands
// beside the row's name with the lowest and the highest: of one setting from several starts.
// Errors: no rows, a row without values, a value that is not a number.
std::string dots_svg(const std::string& title, const std::vector<Curve>& rows,
                     const std::string& unit, Where where = here());

// How often values fall into each of `bins` equal intervals between the smallest and the largest,
// with zero marked and the statistics beside: of activations, weights or a gradient,
//   histogram_svg("dense.kernel, its gradient", dense.kernel.grad())
// Values that are no numbers are counted apart. Errors: fewer than one interval, nothing but such
// values.
std::string histogram_svg(const std::string& title, const Tensor& values, int bins = 40,
                          Where where = here());

// The graph that `result`, such as a loss, was computed with: inputs on top, `result` at the
// bottom. Each box has the label or operation, the shape and the source line; resting the mouse on
// it shows the statistics of the values, and of the gradient if backward() has left one. Arrows
// enter a box in the order of the operation's inputs; a tensor that is used twice has two. On an
// arrow stands what flowed back along it, once backward() has been there: a number, or the length
// of many.
// Errors: no graph (or one that was freed), more than `most` tensors.
std::string graph_svg(const std::string& title, const Tensor& result, Index most = 400,
                      Where where = here());

// In every program: GRADUS_RECORD=file.html writes what the main thread computes, step by step and
// forward and backward, as a page for a browser that fetches nothing: the source, the graph, and
// every number with its arithmetic. Of a long run the first 300 steps are kept, of a large tensor
// the first 512 values; the page says so.
bool record_if_asked();

// Text with &, <, > and " written so that XML takes them as they are.
std::string xml_text(const std::string& text);

}  // namespace gradus
