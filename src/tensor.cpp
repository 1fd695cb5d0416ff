#include <gradus/hooks.h>
#include <gradus/operation.h>
#include <gradus/watcher.h>

#include "kernels/elementwise.h"

#include <algorithm>
#include <mutex>
#include <set>

namespace gradus {

namespace {

thread_local Index node_count = 0;
thread_local bool recording = true;
thread_local std::vector<Watcher*> looking_on = watchers_at_start();

// Frees a node and whatever only it kept alive. A chain of a million nodes must not become a
// million nested calls, so nodes to be freed wait in a list that runs through the nodes.
void free_nodes(Node* pending) {
  while (pending) {
    Node* node = pending;
    pending = node->next;
    if (Operation* made_by = node->made_by) {
      for (int i = 0; i < made_by->inputs.count(); ++i) {
        const Tensor input = made_by->inputs.take(i);
        Node* below = input.node();
        if (below && below->owners.load(std::memory_order_acquire) == 1) {
          below->owners.fetch_add(1, std::memory_order_relaxed);  // outlives `input`
          below->next = pending;
          pending = below;
        }
      }
      delete made_by;
    }
    --node_count;
    delete node;
  }
}

const char* keep_forever(const std::string& label) {
  static std::mutex lock;
  static std::set<std::string>* const labels = new std::set<std::string>;
  const std::lock_guard<std::mutex> guard(lock);
  return labels->insert(label).first->c_str();
}

}  // namespace

Tensor::Tensor(const Tensor& other) noexcept : node_(other.node_) {
  if (node_) node_->owners.fetch_add(1, std::memory_order_relaxed);
}

void Tensor::drop() noexcept {
  // A sole owner cannot get company meanwhile, and is spared the atomic step down.
  if (node_->owners.load(std::memory_order_acquire) == 1 ||
      node_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    node_->next = nullptr;
    free_nodes(node_);
  }
}

Tensor result_of(const char* operation, const Shape& shape, const Where& where) {
  for (Watcher* watcher : looking_on) watcher->before_forward();
  Node* node = new Node;
  node->shape = shape;
  node->values = Buffer(shape.size());
  node->operation = operation;
  node->where = where;
  ++node_count;
  return Tensor(node);
}

Inputs::Inputs(const Tensor* const* tensors, int count) : count_(count) {
  first_ = static_cast<Input*>(take_memory(static_cast<std::size_t>(count) * sizeof(Input)));
  for (int i = 0; i < count; ++i) new (first_ + i) Input{*tensors[i], tensors[i]->node()->version};
}

Inputs& Inputs::operator=(Inputs&& other) noexcept {
  std::swap(first_, other.first_);
  std::swap(count_, other.count_);
  return *this;
}

Inputs::~Inputs() {
  if (!first_) return;
  for (int i = 0; i < count_; ++i) first_[i].~Input();
  give_memory(first_, static_cast<std::size_t>(count_) * sizeof(Input));
}

bool wants_grad(const Tensor* const* inputs, int count) {
  if (!recording) return false;
  for (int i = 0; i < count; ++i)
    if (inputs[i]->requires_grad()) return true;
  return false;
}

void finish(const Tensor& out, Operation* made_by, const Tensor* const* inputs, int count) {
  if (made_by) {
    made_by->inputs = Inputs(inputs, count);
    out.node()->made_by = made_by;
    out.node()->requires_grad = true;
  }
  for (Watcher* watcher : looking_on) watcher->after_forward(out, inputs, count);
}

void watched_backward_step(Operation& made_by, const Tensor& out) {
  for (Watcher* watcher : looking_on) watcher->before_backward(out);
  backward_step(made_by, out);
  for (Watcher* watcher : looking_on) watcher->after_backward(out, made_by);
}

void add_watcher(Watcher& watcher) {
  looking_on.push_back(&watcher);
}

void remove_watcher(Watcher& watcher) {
  std::erase(looking_on, &watcher);
}

const std::vector<Watcher*>& watchers() {
  return looking_on;
}

// ---- new tensors

Tensor Tensor::zeros(const Shape& shape, Where where) {
  return full(shape, 0, where);
}

Tensor Tensor::full(const Shape& shape, Scalar value, Where where) {
  Tensor tensor = result_of("tensor", shape, where);
  kernels::fill(tensor.mutable_data(), shape.size(), value);
  return tensor;
}

Tensor Tensor::from(const Shape& shape, std::span<const Scalar> values, Where where) {
  if (static_cast<Index>(values.size()) != shape.size())
    fail("Tensor::from", where,
         "shape " + gradus::to_string(shape) + " holds " + std::to_string(shape.size()) +
             " values, " + std::to_string(values.size()) + " given");
  Tensor tensor = result_of("tensor", shape, where);
  std::copy(values.begin(), values.end(), tensor.mutable_data());
  return tensor;
}

Tensor Tensor::scalar(Scalar value, Where where) {
  return full({}, value, where);
}

Tensor Tensor::vector(std::initializer_list<Scalar> values, Where where) {
  return from(Shape({static_cast<Index>(values.size())}, where), {values.begin(), values.end()},
              where);
}

Tensor Tensor::matrix(std::initializer_list<std::initializer_list<Scalar>> rows, Where where) {
  std::vector<Scalar> values;
  for (const auto& row : rows) {
    if (row.size() != rows.begin()->size())
      fail("Tensor::matrix", where,
           "every row must have as many values as the first, " +
               std::to_string(rows.begin()->size()) + ", one has " + std::to_string(row.size()));
    values.insert(values.end(), row);
  }
  const Index height = static_cast<Index>(rows.size());
  const Index width = height ? static_cast<Index>(rows.begin()->size()) : 0;
  return from(Shape({height, width}, where), values, where);
}

Tensor Tensor::uniform(const Shape& shape, Scalar low, Scalar high, Random& random, Where where) {
  Tensor tensor = result_of("uniform", shape, where);
  for (Scalar& value : tensor.mutable_values()) value = random.uniform(low, high);
  return tensor;
}

Tensor Tensor::normal(const Shape& shape, Scalar mean, Scalar deviation, Random& random,
                      Where where) {
  Tensor tensor = result_of("normal", shape, where);
  for (Scalar& value : tensor.mutable_values()) value = mean + deviation * random.normal();
  return tensor;
}

// ---- what a tensor knows

Node& Tensor::checked() const {
  if (!node_) throw Error("a Tensor was used before anything was assigned to it");
  return *node_;
}

Node& Tensor::checked(const Where& where) const {
  check_exists(*this, where);
  return *node_;
}

void check_exists(const Tensor& x, const Where& where) {
  if (!x.exists()) fail("Tensor", where, "it was used before anything was assigned to it");
}

const Shape& Tensor::shape() const {
  return checked().shape;
}

std::span<const Scalar> Tensor::values() const& {
  const Node& node = checked();
  return {node.values.data(), static_cast<std::size_t>(node.values.size())};
}

namespace {

std::string position_text(std::initializer_list<Index> position) {
  std::string text;
  for (const Index i : position) text += (text.empty() ? "" : ", ") + std::to_string(i);
  return "[" + text + "]";
}

}  // namespace

Scalar Tensor::at(std::initializer_list<Index> position, Where where) const {
  check_exists(*this, where);
  const bool right_rank = static_cast<int>(position.size()) == rank();
  Index offset = 0;
  int axis = 0;
  for (Index i : position) {
    if (!right_rank || i < 0 || i >= shape()[axis])
      fail("Tensor::at", where,
           "position " + position_text(position) + " lies outside " + describe(*this));
    offset = offset * shape()[axis++] + i;
  }
  if (!right_rank)
    fail("Tensor::at", where, "one index for each axis is needed of " + describe(*this));
  return values()[static_cast<std::size_t>(offset)];
}

Scalar Tensor::item(Where where) const {
  check_exists(*this, where);
  if (size() != 1)
    fail("item", where, "the tensor must hold one number, " + describe(*this) + " holds more");
  return values()[0];
}

std::span<Scalar> Tensor::mutable_values(Where where) {
  Node& node = checked(where);
  ++node.version;
  if (!node.values.unique()) {
    const Buffer copy(node.values.size());
    std::copy_n(node.values.data(), node.values.size(), copy.data());
    node.values = copy;
  }
  return {node.values.data(), static_cast<std::size_t>(node.values.size())};
}

Tensor Tensor::detach() const {
  const Node& node = checked();
  Node* copy = new Node;
  copy->shape = node.shape;
  copy->values = node.values;
  copy->operation = "detach";
  copy->label = node.label;
  copy->where = node.where;
  ++node_count;
  return Tensor(copy);
}

Tensor& Tensor::named(const std::string& label) {
  checked().label = keep_forever(label);
  run_hooks(*this);
  return *this;
}

const char* Tensor::label() const {
  return checked().label;
}
const char* Tensor::operation() const {
  return checked().operation;
}
const Where& Tensor::where() const {
  return checked().where;
}

std::string name_of(const Tensor& tensor) {
  if (*tensor.label()) return tensor.label();
  if (tensor.operation() == std::string("tensor")) return "";
  return std::string(tensor.operation()) + " of " + to_string(tensor.where());
}

std::string describe(const Tensor& tensor) {
  const std::string name = name_of(tensor);
  return (name.empty() ? "" : name + " ") + to_string(tensor.shape());
}

int checked_axis(const Tensor& x, int axis, const char* operation, const Where& where) {
  check_exists(x, where);
  if (axis < -x.rank() || axis >= x.rank())
    fail(operation, where,
         "there is no axis " + std::to_string(axis) + " in " + describe(x) +
             (x.rank() ? ": its axes are 0 … " + std::to_string(x.rank() - 1) : ""));
  return axis < 0 ? axis + x.rank() : axis;
}

// ---- whether a graph is left behind

NoGrad::NoGrad() : before_(recording) {
  recording = false;
}
NoGrad::~NoGrad() {
  recording = before_;
}
bool grad_enabled() {
  return recording;
}
Index live_nodes() {
  return node_count;
}

}  // namespace gradus
