// Shared ownership: copying the pointer shares the object, and the last owner frees it.
//
// The count of owners lies in the object itself, so that making one is a single allocation, and is
// a plain number: what is shared belongs to one thread at a time. (Atomic counts would make a small
// operation half as long again.)
#pragma once

#include <utility>

namespace gradus {

template <class T>  // has `int owners = 1` and `static void free(T*) noexcept`
class Shared {
 public:
  Shared() = default;
  explicit Shared(T* fresh) : object_(fresh) {}
  Shared(const Shared& other) noexcept : object_(other.object_) {
    if (object_) ++object_->owners;
  }
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ && --object_->owners == 0) T::free(object_);
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool unique() const { return object_ && object_->owners == 1; }

 private:
  T* object_ = nullptr;
};

}  // namespace gradus
