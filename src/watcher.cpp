#include <gradus/watcher.h>

namespace gradus {

// Plain data: tensors that live until after main() look here.
constinit thread_local LookingOn looking_on;

void add_watcher(Watcher& watcher) {
  Watcher** link = &looking_on.first;
  while (*link) link = &(*link)->next_;
  *link = &watcher;
}

void remove_watcher(Watcher& watcher) {
  for (Watcher** link = &looking_on.first; *link; link = &(*link)->next_)
    if (*link == &watcher) {
      *link = std::exchange(watcher.next_, nullptr);
      return;
    }
}

void tell_each(const std::function<void(Watcher&)>& event) {
  const AtWork now;
  std::vector<Watcher*> told;
  for (Watcher* watcher = looking_on.first; watcher; watcher = watcher->next_)
    told.push_back(watcher);
  for (Watcher* watcher : told) {
    Watcher* there = looking_on.first;  // or was it removed meanwhile?
    while (there && there != watcher) there = there->next_;
    if (there) event(*there);
  }
}

}  // namespace gradus
