#include <gradus/buffer.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <limits>
#include <mutex>
#include <new>
#ifdef __linux__
#include <sys/mman.h>
#endif

namespace gradus {

namespace {

constexpr std::size_t alignment = 64;

// Each thread counts for itself, so that none waits for the others. What a thread leaves behind is
// kept when it ends: others may free what it made.
struct Counter {
  std::atomic<Index> nodes{0}, values{0};
  Counter* next = nullptr;
};
std::atomic<Counter*> counters{nullptr};
thread_local Counter* mine = nullptr;

Index total(std::atomic<Index> Counter::*which) {
  Index sum = 0;
  for (const Counter* one = counters; one; one = one->next) sum += one->*which;
  return sum;
}

// ---- Small blocks: a list for each class of size, four classes to each doubling: 64, 80, 96, 112,
// 128, 160 … bytes. Each thread has lists of its own, so nothing needs a lock.

constexpr std::size_t small = 128 * 1024;
constexpr std::size_t most_kept = std::size_t{1} << 28;  // a thread may free what others made

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

// A block that nobody uses holds its size and the address of the next one in its first bytes.
struct FreeBlock {
  std::size_t bytes;
  FreeBlock* next;
};

// Plain data without a destructor: tensors that live until after main() may still use it.
thread_local FreeBlock* free_blocks[17 * 4];
thread_local std::size_t kept = 0;  // bytes in these lists
thread_local bool ended = false;    // the thread keeps nothing any more

// Gives the free blocks of a thread back to the system when the thread ends.
struct FreeAtTheEnd {
  ~FreeAtTheEnd() {
    ended = true;
    for (FreeBlock*& list : free_blocks)
      while (list) ::operator delete (std::exchange(list, list->next), std::align_val_t{alignment});
  }
};

void* take_small(std::size_t bytes) {
  const SizeClass wanted = size_class(bytes);
  FreeBlock*& list = free_blocks[wanted.number];
  if (!list) return ::operator new (wanted.bytes, std::align_val_t{alignment});
  kept -= wanted.bytes;
  return std::exchange(list, list->next);
}

void give_small(void* memory, std::size_t bytes) {
  static thread_local const FreeAtTheEnd end;
  const SizeClass given = size_class(bytes);
  if (ended || kept + given.bytes > most_kept)
    return ::operator delete (memory, std::align_val_t{alignment});
  FreeBlock*& list = free_blocks[given.number];
  list = new (memory) FreeBlock{given.bytes, list};
  kept += given.bytes;
}

// ---- Large blocks: the free ones in one list, in the order of their addresses. A request takes
// the front of the first that is large enough; what comes back is joined with its free neighbours.
// So two matrices given back make room for one of twice the size, and batches of many different
// lengths share the same memory.

constexpr std::size_t page = 4096;
constexpr std::size_t huge_page = 512 * page;
constexpr std::size_t chunk = std::size_t{1} << 30;  // touched only as it is used

std::mutex large_lock;
FreeBlock* large_blocks = nullptr;

char* end_of(FreeBlock* block) {
  return reinterpret_cast<char*>(block) + block->bytes;
}

void give_large(void* memory, std::size_t bytes) {
  FreeBlock** link = &large_blocks;
  FreeBlock* before = nullptr;
  while (*link && static_cast<void*>(*link) < memory) {
    before = *link;
    link = &before->next;
  }
  FreeBlock* block = new (memory) FreeBlock{bytes, *link};
  *link = block;
  const auto join = [](FreeBlock* first) {
    if (end_of(first) != reinterpret_cast<char*>(first->next)) return;
    first->bytes += first->next->bytes;
    first->next = first->next->next;
  };
  join(block);
  if (before) join(before);
}

// More memory from the system: a chunk where it lets us have one, otherwise what is needed.
void get_chunk(std::size_t bytes) {
  std::size_t size = bytes > chunk ? bytes : chunk;
  void* memory = ::operator new (size, std::align_val_t{huge_page}, std::nothrow);
  if (!memory) memory = ::operator new (size = bytes, std::align_val_t{huge_page}, std::nothrow);
  if (!memory) throw std::bad_alloc();
#ifdef __linux__
  // Pages of 2 MiB: five hundred times fewer page faults, and addresses that are found faster.
  madvise(memory, size, MADV_HUGEPAGE);
#endif
  give_large(memory, size);
}

void* take_large(std::size_t bytes) {
  for (;;) {
    for (FreeBlock** link = &large_blocks; *link; link = &(*link)->next) {
      FreeBlock* block = *link;
      if (block->bytes < bytes) continue;
      *link = block->bytes == bytes ? block->next
                                    : new (reinterpret_cast<char*>(block) + bytes)
                                          FreeBlock{block->bytes - bytes, block->next};
      return block;
    }
    get_chunk(bytes);
  }
}

std::size_t whole_pages(std::size_t bytes) {
  return (bytes + page - 1) / page * page;
}

}  // namespace

void* take_memory(std::size_t bytes) {
#ifdef GRADUS_NO_RECYCLING  // lets the address sanitizer and valgrind see each block come and go
  void* memory = ::operator new (bytes, std::align_val_t{alignment}, std::nothrow);
  return memory ? memory : throw std::bad_alloc();
#endif
  if (bytes <= small) return take_small(bytes);
  const std::lock_guard<std::mutex> guard(large_lock);
  return take_large(whole_pages(bytes));
}

void give_memory(void* memory, std::size_t bytes) noexcept {
#ifdef GRADUS_NO_RECYCLING
  return ::operator delete (memory, std::align_val_t{alignment});
#endif
  if (bytes <= small) return give_small(memory, bytes);
  const std::lock_guard<std::mutex> guard(large_lock);
  give_large(memory, whole_pages(bytes));
}

Buffer::Buffer(Index size)
    : block_(new (take_memory(sizeof(Block) + static_cast<std::size_t>(size) * sizeof(Scalar)))
                 Block{1, size}) {
  count_live(0, size);
#ifdef GRADUS_POISON  // a value that is read before it is written shows
  std::fill_n(data(), size, std::numeric_limits<Scalar>::quiet_NaN());
#endif
}

void Buffer::Block::free(Block* block) noexcept {
  count_live(0, -block->size);
  give_memory(block, sizeof(Block) + static_cast<std::size_t>(block->size) * sizeof(Scalar));
}

void count_live(Index nodes, Index values) {
  if (!mine) {
    mine = new Counter;
    mine->next = counters;
    while (!counters.compare_exchange_weak(mine->next, mine)) continue;
  }
  // Only this thread writes here: no need to lock the sum.
  constexpr auto order = std::memory_order_relaxed;
  mine->nodes.store(mine->nodes.load(order) + nodes, order);
  mine->values.store(mine->values.load(order) + values, order);
}

Index live_nodes() {
  return total(&Counter::nodes);
}
Index live_values() {
  return total(&Counter::values);
}

}  // namespace gradus
