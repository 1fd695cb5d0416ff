#include <gradus/cache.h>
#include <gradus/operations.h>

namespace gradus {

Index Cache::length() const {
  for (const KeysAndValues& entry : entries_)
    if (entry.grows) return entry.key.shape()[1];
  return 0;
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
  const auto take = [&](Tensor& x) {
    const Tensor texts = reshape(x, {x.shape()[0], -1}, where);
    x = reshape(embedding(texts, ids, where), x.shape().with(0, texts_), where);
  };
  const Tensor before = encoded;
  if (encoded.exists()) take(encoded);
  for (KeysAndValues& entry : entries_) {
    take(entry.key);
    take(entry.value);
    if (entry.made_from.node() == before.node()) entry.made_from = encoded;
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
