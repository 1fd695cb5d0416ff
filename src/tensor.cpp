#include <gradus/operation.h>
#include <gradus/watcher.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <set>

namespace gradus {

namespace {

thread_local bool recording = true;

const char* keep_forever(const std::string& label) {
  static std::mutex lock;
  static std::set<std::string>* const labels = new std::set<std::string>;
  const std::lock_guard<std::mutex> guard(lock);
  return labels->insert(label).first->c_str();
}

std::string position_text(std::initializer_list<Index> position) {
  std::string text;
  for (const Index i : position) text += (text.empty() ? "" : ", ") + std::to_string(i);
  return "[" + text + "]";
}

}  // namespace

// What only this node kept alive is freed next. A chain of a million nodes must not become a
// million nested calls, so what is to be freed meanwhile waits in a list that runs through the
// nodes.
void Node::free(Node* node) noexcept {
  static thread_local Node* waiting = nullptr;
  static thread_local bool busy = false;
  node->next = waiting;
  waiting = node;
  if (busy) return;
  busy = true;
  while (waiting) {
    Node* const first = waiting;
    waiting = first->next;
    delete first;
  }
  busy = false;
}

Tensor result_of(const char* operation, const Shape& shape, const Where& where,
                 const Buffer& shared) {
  tell_watchers([](Watcher& watcher) { watcher.before_forward(); });
  Tensor result;
  result.node_ = Shared<Node>(new Node);
  Node& node = *result.node();
  node.shape = shape;
  node.operation = operation;
  node.where = where;
  try {
    node.values = shared.size() > 0 ? shared : Buffer(shape.size());
  } catch (const std::bad_alloc&) {
    fail(operation, where, "there is no memory for the ", shape.size(), " values of ", shape);
  }
  return result;
}

Tensor gradient_for(const Tensor& x) {
  return result_of("gradient", x.shape(), x.where());
}

Edge::Edge(const Tensor& used, bool values_needed)
    : tensor(used), version(values_needed && used.exists() ? used.node()->version : -1) {}

bool wants_grad(std::span<const Edge> inputs) {
  return recording && std::any_of(inputs.begin(), inputs.end(),
                                  [](const Edge& input) { return input.tensor.requires_grad(); });
}

void finish(const Tensor& result, Shared<Operation> made_by, std::span<const Edge> inputs) {
  Node& node = *result.node();
  if (made_by) {
    made_by->version = node.version;
    node.made_by = std::move(made_by);
    node.requires_grad = true;
  }
  tell_watchers([&](Watcher& watcher) { watcher.after_forward(result, inputs); });
}

// Nothing else happens here, so that the next steps of a debugger lead into the gradient. It is
// called from another file: within one file an optimising compiler would make it disappear.
void backward_step(const Operation& made_by, const Tensor& out) {
  made_by.backward(out, out.node()->gradient);
}

// ---- what a tensor knows

void Tensor::no_tensor(const Where& where) {
  fail("Tensor", where, "it was used before anything was assigned to it");
}

void check_exists(const Tensor& x, const Where& where) {
  if (!x.exists()) x.shape(where);  // which fails
}

Scalar Tensor::at(std::initializer_list<Index> position, Where where) const {
  check_exists(*this, where);
  const bool right_rank = static_cast<int>(position.size()) == rank();
  Index offset = 0;
  int axis = 0;
  for (Index i : position) {
    if (!right_rank || i < 0 || i >= shape()[axis])
      fail("Tensor::at", where, "position ", position_text(position), " lies outside ",
           describe(*this));
    offset = offset * shape()[axis++] + i;
  }
  if (!right_rank)
    fail("Tensor::at", where, "one index for each axis is needed of ", describe(*this));
  return values()[static_cast<std::size_t>(offset)];
}

Scalar Tensor::item(Where where) const {
  check_exists(*this, where);
  if (size() != 1)
    fail("item", where, "the tensor must hold one number, ", describe(*this), " holds more");
  return values()[0];
}

std::span<Scalar> Tensor::mutable_values(Where where) {
  check_exists(*this, where);
  Node& node = *node_.get();
  ++node.version;
  if (!node.values.unique()) {
    const Buffer copy(node.values.size());
    std::copy_n(node.values.data(), node.values.size(), copy.data());
    node.values = copy;
  }
  return {node.values.data(), static_cast<std::size_t>(node.values.size())};
}

Tensor Tensor::detach(Where where) const {
  check_exists(*this, where);
  Tensor copy = result_of("detach", shape(), node_->where, node_->values);
  copy.node_->label = node_->label;
  return copy;
}

Tensor& Tensor::named(const std::string& label, Where where) & {
  check_exists(*this, where);
  node_->label = keep_forever(label);
  tell_watchers([&](Watcher& watcher) { watcher.named(*this); });
  return *this;
}

const char* Tensor::label() const {
  check_exists(*this, {});
  return node_->label;
}
const char* Tensor::operation() const {
  check_exists(*this, {});
  return node_->operation;
}
Where Tensor::where() const {
  check_exists(*this, {});
  return node_->where;
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
    fail(operation, where, "there is no axis ", axis, " in ", describe(x),
         x.rank()
             ? worded(": its axes are 0 … ", x.rank() - 1, ", or -", x.rank(), " … -1 from the end")
             : "");
  return axis < 0 ? axis + x.rank() : axis;
}

// ---- whether a graph is left behind

NoGrad::NoGrad() : before_(std::exchange(recording, false)) {}
NoGrad::~NoGrad() {
  recording = before_;
}
bool grad_enabled() {
  return recording;
}

}  // namespace gradus
