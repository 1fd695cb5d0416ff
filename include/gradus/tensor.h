// Tensors, and the graph that computing with them leaves behind.
//
// A Tensor is a handle to a node: copying it copies a pointer, and both copies are the same tensor.
// A node holds a shape, the values row by row, the gradient once there is one, and, if some input
// wanted a gradient, the operation that made it. That operation holds its inputs, so every result
// keeps alive all that it was computed from: this is the graph. Dropping the last handle frees it.
//
//   Tensor w = Tensor::matrix({{1, 2}, {3, 4}}).requires_grad(true).named("w");
//   Tensor loss = sum(w * w);
//   loss.backward();
//   print("gradient", w.grad());  // 2w
//
// A tensor belongs to one thread at a time (the kernels inside use several).
#pragma once

#include <gradus/buffer.h>
#include <gradus/error.h>
#include <gradus/random.h>
#include <gradus/shape.h>

#include <iosfwd>
#include <span>

namespace gradus {

struct Node;

// What backward() does with the graph: keep it, so that every tensor's gradient can be looked at
// and backward() can run again; or free each part as soon as it has been used, for training.
enum class Graph { keep, free };

class Tensor {
 public:
  Tensor() = default;  // no tensor; every use but assignment and exists() is an Error

  // New tensors. Errors: a number of values that does not fill the shape, ragged rows, more values
  // than there is memory for.
  static Tensor zeros(const Shape& shape, Where where = here());
  static Tensor full(const Shape& shape, Scalar value, Where where = here());
  static Tensor from(const Shape& shape, std::span<const Scalar> values, Where where = here());
  static Tensor from(const Shape& shape, std::initializer_list<Scalar> values,
                     Where where = here());
  static Tensor scalar(Scalar value, Where where = here());
  static Tensor vector(std::initializer_list<Scalar> values, Where where = here());
  static Tensor matrix(std::initializer_list<std::initializer_list<Scalar>> rows,
                       Where where = here());
  static Tensor uniform(const Shape& shape, Scalar low, Scalar high, Random& random,
                        Where where = here());
  static Tensor normal(const Shape& shape, Scalar mean, Scalar deviation, Random& random,
                       Where where = here());

  // What belongs to the tensor is handed out by reference, and by value from a tensor that is about
  // to disappear, as in `(x * 2).shape()`.
  bool exists() const { return bool(node_); }
  const Shape& shape(Where where = here()) const&;
  Shape shape(Where where = here()) && { return std::as_const(*this).shape(where); }
  int rank(Where where = here()) const { return shape(where).rank(); }
  Index size(Where where = here()) const { return shape(where).size(); }

  // The values, row by row. Not of a tensor that is about to disappear, as in
  // `for (Scalar x : sum(y).values())`: give it a name first.
  std::span<const Scalar> values(Where where = here()) const&;
  std::span<const Scalar> values(Where where = here()) && = delete;
  const Scalar* data(Where where = here()) const& { return values(where).data(); }
  const Scalar* data(Where where = here()) && = delete;
  // The value at one position, such as x.at({0, 2}). Errors: outside the shape.
  Scalar at(std::initializer_list<Index> position, Where where = here()) const;
  // The value of a tensor that holds exactly one. Errors: it holds more.
  Scalar item(Where where = here()) const;
  // The values, to be overwritten in place. A buffer that is shared (by detach() or reshape()) is
  // copied first, and a backward() that still needs the old values throws an Error.
  std::span<Scalar> mutable_values(Where where = here());
  Scalar* mutable_data(Where where = here()) { return mutable_values(where).data(); }

  // The gradient that backward() left here. Errors: there is none.
  const Tensor& grad(Where where = here()) const&;
  Tensor grad(Where where = here()) && { return std::as_const(*this).grad(where); }
  bool has_grad() const;
  void clear_grad();
  // Adds to the gradient, if this tensor wants one. What is given stays as it is, and a later
  // change of it changes nothing here. Errors: another shape than this tensor's.
  void add_grad(Tensor gradient, Where where = here()) const;

  bool requires_grad() const;
  // Says that backward() shall leave a gradient in this tensor. Errors: it was computed from others
  // (those have a gradient if one of their inputs has).
  Tensor& requires_grad(bool wanted, Where where = here()) &;
  Tensor requires_grad(bool wanted, Where where = here()) && {
    return requires_grad(wanted, where);
  }

  // Computes the gradient of this tensor with respect to everything that it was computed from.
  // Gradients of tensors without inputs (parameters) add up over calls until clear_grad(); all
  // others are those of the last call. Without a seed the tensor must hold one number.
  // Errors: no graph; a seed of another shape; values changed since they were used; the graph was
  // freed by an earlier backward(Graph::free).
  void backward(Where where = here()) const { backward(Graph::keep, where); }
  void backward(Graph graph, Where where = here()) const;
  void backward(const Tensor& seed, Graph graph = Graph::keep, Where where = here()) const;

  // The same values without the graph.
  Tensor detach(Where where = here()) const;

  // A name for messages and pictures; it is kept for the rest of the program.
  Tensor& named(const std::string& label, Where where = here()) &;
  Tensor named(const std::string& label, Where where = here()) && { return named(label, where); }
  const char* label() const;      // "" if there is none
  const char* operation() const;  // "softmax"; "tensor" if it was not computed
  Where where() const;            // the line that made it
  Node* node() const { return node_.get(); }

 private:
  friend Tensor result_of(const char* operation, const Shape& shape, const Where& where,
                          const Buffer& shared);
  [[noreturn]] static void no_tensor(const Where& where);

  Shared<Node> node_;
};

// What the graph remembers of an input: the tensor, and, if the gradient will read its values, the
// version of them that was used.
struct Edge {
  Edge(const Tensor& used, bool values_needed = true);
  Tensor tensor;
  int version;  // -1 if no gradient reads the values
};

// The operation that made a tensor. How one is written says operation.h.
struct Operation : Recycled {
  virtual ~Operation() = default;
  // Adds to the gradient of each input that wants one what the gradient dy of the result y says.
  virtual void backward(const Tensor& y, const Tensor& dy) const = 0;
  static void free(Operation* operation) noexcept { delete operation; }

  int owners = 1;
  int version = 0;  // of the result's values that was computed
  std::span<const Edge> inputs;
};

// What an optimiser has done with a gradient: nothing since it was cleared; a step with it; a step
// with it, and then backward() has added to it.
enum class GradientUse : std::uint8_t { fresh, used, stale };

// A point of the graph; everything that a Tensor is a handle to.
struct Node : Recycled {
  Node() { count_live(1, 0); }
  ~Node() { count_live(-1, 0); }
  static void free(Node* node) noexcept;

  int owners = 1;
  int version = 0;  // counts the changes in place
  bool requires_grad = false;
  bool freed = false;     // by backward(Graph::free)
  bool internal = false;  // a gradient that nobody has looked at: tensors may have it in common
  GradientUse gradient_use = GradientUse::fresh;
  Shape shape;
  Buffer values;
  Tensor gradient;
  Shared<Operation> made_by;  // none if there is nothing to differentiate
  const char* operation = "tensor";
  const char* label = "";
  Where where;
  Node* next = nullptr;     // in the list of nodes that are being freed
  std::uint64_t visit = 0;  // the last backward() that came by
};

inline const Shape& Tensor::shape(Where where) const& {
  if (!node_) no_tensor(where);
  return node_->shape;
}
inline std::span<const Scalar> Tensor::values(Where where) const& {
  if (!node_) no_tensor(where);
  return {node_->values.data(), static_cast<std::size_t>(node_->values.size())};
}
inline bool Tensor::requires_grad() const {
  return node_ && node_->requires_grad;
}

// The matrix (or the matrices, or the number) with all values aligned and `digits` after the point;
// more than `most` rows or columns are cut in the middle.
std::string to_string(const Tensor& tensor, int digits = 4, Index most = 12);
// Writes "title [shape]" and the values to standard output.
void print(const std::string& title, const Tensor& tensor, int digits = 4);
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

// "query [2, 5, 8]", or for a tensor without a name "softmax of lessons/01.cpp:12 [2, 5, 8]".
std::string describe(const Tensor& tensor);
// The same without the shape; "" for a tensor without a name that was not computed.
std::string name_of(const Tensor& tensor);

// While one of these lives, computing leaves no graph behind (on this thread).
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

}  // namespace gradus
