// Memory that is used again.
//
// A training step asks for the same sizes over and over. What is given back is kept and handed out
// again, which costs nanoseconds and, unlike fresh memory from the system, no page faults. Small
// blocks are kept by each thread for itself, large ones under a lock for all.
#pragma once

#include <gradus/scalar.h>
#include <gradus/shared.h>

#include <cstddef>

namespace gradus {

// Raw memory, 64-byte aligned and uninitialised. Requires: given back with the same size.
// Throws std::bad_alloc if the system has no more.
void* take_memory(std::size_t bytes);
void give_memory(void* memory, std::size_t bytes) noexcept;

// What derives from this is made of such memory.
struct Recycled {
  static void* operator new(std::size_t bytes) { return take_memory(bytes); }
  static void operator delete(void* memory, std::size_t bytes) { give_memory(memory, bytes); }
};

// An array of Scalars with shared ownership. Whoever wants to write asks for `unique()` first and
// copies if it is not.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index size);  // values are not initialised (in a debug build they are NaN)

  Scalar* data() const { return block_ ? reinterpret_cast<Scalar*>(block_.get() + 1) : nullptr; }
  Index size() const { return block_ ? block_->size : 0; }
  bool unique() const { return block_.unique(); }

 private:
  // The values follow the block directly; its size of 64 bytes keeps them on a cache line.
  struct alignas(64) Block {
    int owners;
    Index size;
    static void free(Block* block) noexcept;
  };
  Shared<Block> block_;
};

// How many nodes of graphs exist, and how many numbers all Buffers hold: what tensors, gradients
// and the graph keep in memory. A Buffer with several owners counts once.
Index live_nodes();
Index live_values();
void count_live(Index nodes, Index values);  // so many more

}  // namespace gradus
