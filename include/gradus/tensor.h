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
//   print(w.grad());  // 2w
//
// A tensor belongs to one thread at a time (the kernels inside use several).
#pragma once

#include <gradus/buffer.h>
#include <gradus/error.h>
#include <gradus/random.h>
#include <gradus/shape.h>

#include <atomic>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace gradus {

struct Node;
struct Operation;

// What backward() does with the graph: keep it, so that every tensor's gradient can be looked at
// and backward() can run again; or free each part as soon as it has been used, for training.
enum class Graph { keep, free };

class Tensor {
 public:
  Tensor() = default;  // no tensor; every use but assignment and exists() is an Error
  Tensor(const Tensor& other) noexcept;
  Tensor(Tensor&& other) noexcept : node_(other.node_) { other.node_ = nullptr; }
  Tensor& operator=(Tensor other) noexcept {
    Node* mine = node_;
    node_ = other.node_;
    other.node_ = mine;
    return *this;
  }
  ~Tensor() {
    if (node_) drop();
  }

  // New tensors. Errors: a number of values that does not fill the shape, ragged rows.
  static Tensor zeros(const Shape& shape, Where where = here());
  static Tensor full(const Shape& shape, Scalar value, Where where = here());
  static Tensor from(const Shape& shape, std::span<const Scalar> values, Where where = here());
  static Tensor scalar(Scalar value, Where where = here());
  static Tensor vector(std::initializer_list<Scalar> values, Where where = here());
  static Tensor matrix(std::initializer_list<std::initializer_list<Scalar>> rows,
                       Where where = here());
  static Tensor uniform(const Shape& shape, Scalar low, Scalar high, Random& random,
                        Where where = here());
  static Tensor normal(const Shape& shape, Scalar mean, Scalar deviation, Random& random,
                       Where where = here());

  bool exists() const { return node_ != nullptr; }
  const Shape& shape() const;
  int rank() const { return shape().rank(); }
  Index size() const { return shape().size(); }

  // The values, row by row.
  std::span<const Scalar> values() const&;
  // Of a tensor that is about to disappear, as in `for (Scalar x : sum(y).values())`, they would be
  // gone before they are read: give the tensor a name first.
  std::span<const Scalar> values() && = delete;
  const Scalar* data() const { return values().data(); }
  // The value at one position, such as x.at({0, 2}). Errors: outside the shape.
  Scalar at(std::initializer_list<Index> position, Where where = here()) const;
  // The value of a tensor that holds exactly one. Errors: it holds more.
  Scalar item(Where where = here()) const;
  // The values, to be overwritten in place. Nobody else sees the change: a buffer that is shared
  // (by detach() or reshape()) is copied first, and a backward() that still needs the old values
  // throws an Error.
  std::span<Scalar> mutable_values(Where where = here());
  Scalar* mutable_data(Where where = here()) { return mutable_values(where).data(); }

  // The gradient that backward() left here. Errors: there is none.
  const Tensor& grad(Where where = here()) const;
  bool has_grad() const;
  void clear_grad();
  // Adds to the gradient. Errors: another shape than this tensor's.
  void add_grad(Tensor gradient, Where where = here()) const;

  bool requires_grad() const;
  // Says that backward() shall leave a gradient in this tensor. Errors: it was computed from others
  // (those have a gradient if one of their inputs has).
  Tensor& requires_grad(bool wanted, Where where = here());

  // Computes the gradient of this tensor with respect to everything that it was computed from.
  // Gradients of tensors without inputs (parameters) add up over calls until clear_grad(); all
  // others are those of the last call. Without a seed the tensor must hold one number.
  // Errors: no graph; a seed of another shape; values changed since they were used; the graph was
  // freed by an earlier backward(Graph::free).
  void backward(Where where = here()) const { backward(Graph::keep, where); }
  void backward(Graph graph, Where where = here()) const;
  void backward(const Tensor& seed, Graph graph = Graph::keep, Where where = here()) const;

  // The same values without the graph.
  Tensor detach() const;

  // A name for messages and pictures; it is kept for the rest of the program.
  Tensor& named(const std::string& label);
  const char* label() const;      // "" if there is none
  const char* operation() const;  // "softmax"; "tensor" if it was not computed
  const Where& where() const;     // the line that made it
  Node* node() const { return node_; }

 private:
  friend Tensor result_of(const char* operation, const Shape& shape, const Where& where);
  explicit Tensor(Node* node) : node_(node) {}
  void drop() noexcept;
  Node& checked() const;
  Node& checked(const Where& where) const;

  Node* node_ = nullptr;
};

// The matrix (or the matrices, or the number) with all values aligned and `digits` after the point;
// more than `most` rows or columns are cut in the middle.
std::string to_string(const Tensor& tensor, int digits = 4, Index most = 12);
// Writes "title [shape]" and the values to standard output.
void print(const std::string& title, const Tensor& tensor, int digits = 4);

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

// How many nodes this thread has made that still exist. Tests end with zero: nothing leaks.
Index live_nodes();

}  // namespace gradus
