// Memory that is used again.
//
// A training step asks for the same sizes over and over. What a Buffer gives back is kept in a
// list for its size and handed out again, which costs nanoseconds and, unlike fresh memory from
// the system, no page faults. Each thread has its own lists, so nothing here needs a lock.
#pragma once

#include <gradus/scalar.h>

#include <atomic>
#include <cstddef>

namespace gradus {

// Raw memory, 64-byte aligned and uninitialised. Requires: given back with the same size.
void* take_memory(std::size_t bytes);
void give_memory(void* memory, std::size_t bytes) noexcept;

// An array of Scalars with shared ownership: copying a Buffer shares the array. Whoever wants to
// write asks for `unique()` first and copies if it is not.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size);  // values are not initialised
  Buffer(const Buffer& other) : block_(other.block_) {
    if (block_) block_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
  Buffer& operator=(Buffer other) noexcept {
    Block* mine = block_;
    block_ = other.block_;
    other.block_ = mine;
    return *this;
  }
  ~Buffer() {
    if (block_) release();
  }

  Scalar* data() const { return block_ ? reinterpret_cast<Scalar*>(block_ + 1) : nullptr; }
  Index size() const { return block_ ? block_->size : 0; }
  bool unique() const { return block_ && block_->owners.load(std::memory_order_acquire) == 1; }

 private:
  // The values follow the block directly; its size of 64 bytes keeps them on a cache line.
  struct alignas(64) Block {
    std::atomic<int> owners;
    Index size;
  };
  void release() noexcept;

  Block* block_ = nullptr;
};

// How many numbers the Buffers that this thread made hold at this moment: what tensors, gradients
// and the graph keep in memory. A Buffer with several owners counts once.
Index live_values();

}  // namespace gradus
