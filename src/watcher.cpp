#include <gradus/watcher.h>

#include <algorithm>

namespace gradus {

namespace {

// A list that runs through the watchers. Plain data: tensors that live until after main() look
// here.
thread_local Watcher* first = nullptr;
thread_local bool at_work = false;  // one of them

struct AtWork {
  AtWork() { at_work = true; }
  ~AtWork() { at_work = false; }
};

}  // namespace

void add_watcher(Watcher& watcher) {
  Watcher** link = &first;
  while (*link) link = &(*link)->next_;
  *link = &watcher;
}

void remove_watcher(Watcher& watcher) {
  for (Watcher** link = &first; *link; link = &(*link)->next_)
    if (*link == &watcher) {
      *link = std::exchange(watcher.next_, nullptr);
      return;
    }
}

bool watched() {
  return first && !at_work;
}

void tell_watchers(const std::function<void(Watcher&)>& event) {
  const AtWork now;
  std::vector<Watcher*> told;
  for (Watcher* watcher = first; watcher; watcher = watcher->next_) told.push_back(watcher);
  for (Watcher* watcher : told) {
    Watcher* there = first;  // or was it removed meanwhile?
    while (there && there != watcher) there = there->next_;
    if (there) event(*there);
  }
}

}  // namespace gradus
