#include <gradus/cache.h>
#include <gradus/operations.h>

namespace gradus {

Index Cache::length() const {
  return entries_.empty() ? 0 : entries_[0].key.shape()[1];
}

KeysAndValues& Cache::of(const Module& attention) {
  for (KeysAndValues& entry : entries_)
    if (entry.attention == &attention) return entry;
  entries_.push_back({&attention, {}, {}, {}});
  return entries_.back();
}

void Cache::pick(const std::vector<int>& rows, Where where) {
  texts_ = static_cast<Index>(rows.size());
  if (!source_.values.empty()) source_ = source_.rows(rows, where);
  const Ids ids({texts_}, rows, where);
  for (KeysAndValues& entry : entries_)
    for (Tensor* x : {&entry.key, &entry.value}) {
      const Index count = x->shape()[0], length = x->shape()[1], width = x->shape()[2];
      const Tensor texts = reshape(*x, {count, length * width}, where);
      *x = reshape(embedding(texts, ids, where), {-1, length, width}, where);
    }
}

void Cache::check(const Module& model, const Ids& ids, const Ids& source, Where where) {
  const auto refuse = [&](const auto&... how) {
    fail("Cache", where, "it was filled ", how..., ": begin with a new one");
  };
  const std::vector<NamedTensor> parameters = model.parameters();
  if (!model_) {
    model_ = &model;
    texts_ = ids.shape[0];
    source_ = source;
    for (const NamedTensor& p : parameters) weights_.push_back(Edge(p.tensor));
  }
  if (model_ != &model) refuse("by another model");
  if (texts_ != ids.shape[0]) refuse("with ", texts_, " texts, not ", ids.shape[0]);
  if (source_.values != source.values) refuse("with another source");
  bool same = weights_.size() == parameters.size();
  for (std::size_t i = 0; same && i < weights_.size(); ++i)
    same = weights_[i].tensor.node() == parameters[i].tensor.node() &&
           weights_[i].version == parameters[i].tensor.node()->version;
  if (!same) refuse("before the weights were changed");
}

}  // namespace gradus
