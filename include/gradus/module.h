// Modules: parts of a model that have parameters, and parts of their own.
//
// A module's parameters and parts are its members; its constructor gives each a name with add().
// From the names come the labels in messages and pictures ("encoder.attention.query"), the names in
// weight files, and the order of everything: first a module's own parameters, then its parts, each
// as they were added.
#pragma once

#include <gradus/mask.h>
#include <gradus/tensor.h>

#include <optional>

namespace gradus {

struct NamedTensor {
  std::string name;  // "encoder.attention.query.kernel"
  Tensor tensor;
};
// Whether `tensor` itself, not one of equal values, is among them.
bool holds(const std::vector<NamedTensor>& tensors, const Tensor& tensor);

class Module {
 public:
  virtual ~Module();
  Module(const Module&) = delete;  // parts know their parent by address
  Module& operator=(const Module&) = delete;

  const std::string& kind() const { return kind_; }  // "Dense"
  const std::string& name() const { return name_; }  // "query", "" for the whole
  std::string path() const;                          // "encoder.attention.query"
  const std::vector<Module*>& parts() const { return parts_; }

  // Each tensor once: weights that are tied (`b.kernel = a.kernel`) go by the first of their names.
  // A tensor that was assigned to the place of another is a parameter from here on as that one was.
  // Errors: it was computed from others.
  std::vector<NamedTensor> parameters() const;
  Index parameter_count() const;
  void clear_grad();

  // In training mode dropout drops; otherwise it does nothing. Whether a graph is recorded is
  // another matter: see NoGrad.
  void train(bool training = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  // The numbers that change as the model runs but are no parameters (how often dropout was used):
  // what must be saved too so that an interrupted training goes on with the same bits.
  struct Counter {
    std::string name;
    std::uint64_t* value;
  };
  std::vector<Counter> counters() const;

  // A table of all parts with the shape each produced last ("?": none that passed through done())
  // and its number of parameters.
  std::string summary() const;

 protected:
  // Errors: a size below 1.
  explicit Module(std::string kind, std::initializer_list<std::pair<const char*, Index>> sizes = {},
                  const Where& where = here());

  // Requires: what is added is a member, and stays where it is. Errors: a name that is empty, holds
  // a dot or is taken; a part of another module (to use it twice, call it twice).
  void add(const std::string& name, Tensor& parameter, Where where = here());
  void add(const std::string& name, Module& part, Where where = here());
  void add(const std::string& name, std::uint64_t& counter, Where where = here());

  // Every result of a module passes through here: it gets the module's label, and hooks see it. One
  // that is the input itself keeps its own. Layer and MaskedLayer see to it; a module that is
  // called otherwise ends with `return done(…)`.
  Tensor done(Tensor out, const Tensor& input = {});

 private:
  struct Parameter {
    std::string name;
    Tensor* member;
    Tensor known;  // what the member held when it was last looked at
  };
  void check_name(const std::string& name, const Where& where) const;
  void give_names();
  void forget_labels() noexcept;
  void add_rows(int depth, std::string& table) const;

  std::string kind_;
  std::string name_;
  Module* parent_ = nullptr;
  bool training_ = true;
  mutable std::vector<Parameter> own_;
  std::vector<Module*> parts_;
  std::vector<Counter> counters_;
  const char* label_ = nullptr;  // path(), once it was needed
  std::optional<Shape> last_shape_;
};

// Evaluation mode while one of these lives; then every part is in the mode again that it was in.
class InEvaluation {
 public:
  explicit InEvaluation(Module& model) {
    remember(model);
    model.eval();
  }
  ~InEvaluation() {
    for (const auto& [part, training] : before_) part->train(training);
  }

 private:
  void remember(Module& part) {  // ahead of its own parts, whose mode train() sets as well
    before_.push_back({&part, part.training()});
    for (Module* below : part.parts()) remember(*below);
  }
  std::vector<std::pair<Module*, bool>> before_;
};

// A module that turns one tensor into one tensor: what Sequential can hold.
class Layer : public Module {
 public:
  Tensor operator()(const Tensor& x, Where where = here()) { return done(forward(x, where), x); }
  static void free(Layer* layer) noexcept { delete layer; }
  int owners = 1;  // as of all that is Shared

 protected:
  using Module::Module;
  virtual Tensor forward(const Tensor& x, Where where) = 0;
};

// A module that must also know which positions of x count.
class MaskedLayer : public Module {
 public:
  Tensor operator()(const Tensor& x, const Mask& mask = {}, Where where = here()) {
    return done(forward(x, mask, where), x);
  }

 protected:
  using Module::Module;
  virtual Tensor forward(const Tensor& x, const Mask& mask, Where where) = 0;
};

}  // namespace gradus
