#include <gradus/buffer.h>

#include <bit>
#include <new>

namespace gradus {

namespace {

constexpr std::size_t alignment = 64;

// Memory comes in classes of size, four to each doubling: 64, 80, 96, 112, 128, 160 … bytes, so at
// most a fifth of a block is unused.
struct SizeClass {
  int number;
  std::size_t bytes;
};

SizeClass size_class(std::size_t bytes) {
  if (bytes < alignment) bytes = alignment;
  const int doubling = static_cast<int>(std::bit_width(bytes - 1)) - 1;  // 2^doubling < bytes
  const std::size_t step = (std::size_t{1} << doubling) / 4;
  const std::size_t steps = (bytes + step - 1) / step;  // 5 … 8
  return {doubling * 4 + static_cast<int>(steps) - 5, steps * step};
}

// A block that nobody uses holds the address of the next such block in its first bytes.
struct FreeBlock {
  FreeBlock* next;
};

// Plain pointers without a destructor: tensors that live until after main() may still use them.
thread_local FreeBlock* free_blocks[64 * 4];

std::atomic<Index> value_count{0};

void* take_from(FreeBlock*& list) {
  FreeBlock* block = list;
  list = block->next;
  return block;
}

}  // namespace

void* take_memory(std::size_t bytes) {
  const SizeClass wanted = size_class(bytes);
#ifndef GRADUS_NO_RECYCLING
  if (free_blocks[wanted.number]) return take_from(free_blocks[wanted.number]);
#endif
  return ::operator new (wanted.bytes, std::align_val_t{alignment});
}

void give_memory(void* memory, std::size_t bytes) noexcept {
#ifdef GRADUS_NO_RECYCLING  // lets the address sanitizer and valgrind see each block come and go
  ::operator delete (memory, std::align_val_t{alignment});
  (void)bytes;
#else
  FreeBlock*& list = free_blocks[size_class(bytes).number];
  list = new (memory) FreeBlock{list};
#endif
}

Buffer::Buffer(Index size)
    : block_(new (take_memory(sizeof(Block) + static_cast<std::size_t>(size) * sizeof(Scalar)))
                 Block{1, size}) {
  value_count.fetch_add(size, std::memory_order_relaxed);
}

void Buffer::release() noexcept {
  if (block_->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  value_count.fetch_sub(block_->size, std::memory_order_relaxed);
  give_memory(block_, sizeof(Block) + static_cast<std::size_t>(block_->size) * sizeof(Scalar));
}

Index live_values() {
  return value_count.load(std::memory_order_relaxed);
}

}  // namespace gradus
