// Modules: parts of a model that have parameters, and parts of their own.
//
// A module's parameters and parts are its members; its constructor gives each a name with add().
// From the names come the labels in messages and pictures ("encoder.attention.query"), the names in
// weight files, and the order of everything: first a module's own parameters, then its parts, each
// as they were added.
#pragma once

#include <gradus/tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

struct NamedTensor {
  std::string name;  // "encoder.attention.query.kernel"
  Tensor tensor;
};

class Module {
 public:
  virtual ~Module() = default;
  Module(const Module&) = delete;  // parts know their parent by address
  Module& operator=(const Module&) = delete;

  const std::string& kind() const { return kind_; }  // "Dense"
  std::string path() const;                          // "encoder.attention.query", "" for the whole

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
  std::vector<Counter> counters();

  // A table of all parts with the shape each produced last and its number of parameters.
  std::string summary() const;

  const std::vector<Module*>& parts() const { return parts_; }
  const std::string& name() const { return name_; }

 protected:
  explicit Module(std::string kind) : kind_(std::move(kind)) {}

  // Errors: a name that is empty, holds a dot or is taken.
  Tensor add(const std::string& name, Tensor parameter, Where where = here());
  void add(const std::string& name, Module& part, Where where = here());
  void add(const std::string& name, std::uint64_t& counter);

  // Every module passes what it computed through here: it gets its label, and hooks see it.
  Tensor done(Tensor out);

 private:
  void check_name(const std::string& name, const Where& where) const;
  void collect(const std::string& prefix, std::vector<NamedTensor>& found) const;
  void collect(const std::string& prefix, std::vector<Counter>& found);
  void add_rows(int depth, std::string& table) const;

  std::string kind_;
  std::string name_;
  const Module* parent_ = nullptr;
  bool training_ = true;
  std::vector<NamedTensor> own_;
  std::vector<Module*> parts_;
  std::vector<Counter> counters_;
  const char* label_ = nullptr;  // path(), once it was needed
  Shape last_shape_;
  bool ran_ = false;
};

// A module that turns one tensor into one tensor: what Sequential can hold.
class Layer : public Module {
 public:
  Tensor operator()(const Tensor& x, Where where = here()) { return done(forward(x, where)); }

 protected:
  using Module::Module;
  virtual Tensor forward(const Tensor& x, Where where) = 0;
};

}  // namespace gradus
