// CUDA on a processor, as far as the kernels use it: for tests on machines without a GPU.
//
// The threads of a block are fibers of one thread of the processor, which take turns at barriers; blocks run one after
// the other. So races between threads show only where the order of the turns shows them, but everything else is there:
// indices, shared memory, exchanges within a warp, and the layouts of the tensor cores' operands.
#pragma once

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdint>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#define __device__
#define __forceinline__ inline
#define __restrict__
// Blocks run one after the other, so what they share can be a variable of the program.
#define __shared__ static

struct Index {
  unsigned x, y, z;
};

namespace emulator {

struct Barrier {
  unsigned waiting = 0;
  unsigned long turn = 0;
};

constexpr unsigned MOST_THREADS = 1024;
constexpr std::size_t STACK = 256 << 10;

// Where the scheduler and the fibers go on; `ucontext` starts fibers, but asks the system at every turn.
inline jmp_buf scheduler;
inline jmp_buf fibers[MOST_THREADS];
inline unsigned started = 0;
inline std::vector<bool> finished;
inline unsigned current = 0;
inline unsigned threads = 0;
inline Barrier block_barrier;
inline Barrier warp_barriers[MOST_THREADS / 32];
inline unsigned long long exchange[MOST_THREADS][4];
inline bool progress = false;
alignas(16) inline unsigned char dynamic_shared[48 << 10];
inline void (*kernel)(const void*);
inline const void* arguments;

// Jumps return to functions whose variables are all unchanged: that is why these two are no part of others.
[[gnu::noinline]] inline void go_on_with_scheduler() {
  if (_setjmp(fibers[current]) == 0) _longjmp(scheduler, 1);
}

void start_fiber();

[[gnu::noinline]] inline void go_on_with_fiber() {
  if (_setjmp(scheduler) != 0) return;
  if (current < started) _longjmp(fibers[current], 1);
  start_fiber();
}

inline void wait(Barrier& barrier, unsigned members) {
  const unsigned long turn = barrier.turn;
  progress = true;
  if (++barrier.waiting == members) {
    barrier.waiting = 0;
    ++barrier.turn;
    return;
  }
  while (barrier.turn == turn) go_on_with_scheduler();
  progress = true;
}

inline void wait_for_warp() {
  const unsigned first = current / 32 * 32;
  wait(warp_barriers[current / 32], std::min(32u, threads - first));
}

// What lane `lane` of this warp gave in this place of the program.
template <class T>
inline void give(const T& value) {
  static_assert(sizeof(T) <= sizeof(exchange[0]));
  std::memcpy(exchange[current], &value, sizeof(T));
  wait_for_warp();
}

template <class T>
inline T taken_from(unsigned lane) {
  T value;
  std::memcpy(&value, exchange[current / 32 * 32 + lane], sizeof(T));
  return value;
}

inline unsigned short round_to_bf16(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  if (std::isnan(value)) return static_cast<unsigned short>(bits >> 16 | 0x40);
  return static_cast<unsigned short>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

// Ten bits of fraction, ties away from zero.
inline float round_to_tf32(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  bits = (bits + 0x1000) & ~0x1FFFu;
  std::memcpy(&value, &bits, 4);
  return value;
}

}  // namespace emulator

inline Index blockIdx, blockDim, gridDim;

struct ThreadIndex {
  struct X {
    operator unsigned() const { return emulator::current; }
  } x;
};
inline ThreadIndex threadIdx;

inline void __syncthreads() { emulator::wait(emulator::block_barrier, emulator::threads); }
inline void __syncwarp() { emulator::wait_for_warp(); }

template <class T>
inline T __shfl_xor_sync(unsigned, T value, int distance) {
  emulator::give(value);
  const T found = emulator::taken_from<T>(emulator::current % 32 ^ static_cast<unsigned>(distance));
  emulator::wait_for_warp();
  return found;
}

inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}

using std::isfinite;
using std::max;
using std::min;

namespace emulator {

// One fiber runs this thread of all blocks.
inline void fiber() {
  for (;;) {
    kernel(arguments);
    finished[current] = true;
    progress = true;
    go_on_with_scheduler();
  }
}

inline void start_fiber() {
  static std::unique_ptr<unsigned char[]> stacks(new unsigned char[MOST_THREADS * STACK]);
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = stacks.get() + started++ * STACK;
  context.uc_stack.ss_size = STACK;
  context.uc_link = nullptr;
  makecontext(&context, fiber, 0);
  setcontext(&context);
}

inline void run_block(unsigned shared) {
  finished.assign(threads, false);
  block_barrier = {};
  for (auto& barrier : warp_barriers) barrier = {};
  // What a kernel reads before it writes is not a number.
  std::memset(dynamic_shared, 0xFF, shared);
  for (unsigned left = threads; left > 0;) {
    progress = false;
    left = 0;
    for (unsigned thread = 0; thread < threads; ++thread) {
      if (finished[thread]) continue;
      current = thread;
      go_on_with_fiber();
      left += !finished[thread];
    }
    if (left > 0 && !progress) {
      std::fprintf(stderr, "%u of %u threads wait at a barrier that the others never reach\n", left, threads);
      std::abort();
    }
  }
}

}  // namespace emulator

// Runs a kernel. The caller sees to it that there is one at a time.
extern "C" void emulate(void (*kernel)(const void*), const unsigned* grid, unsigned threads, unsigned shared,
                        const void* arguments) {
  emulator::kernel = kernel;
  emulator::arguments = arguments;
  emulator::threads = threads;
  blockDim = {threads, 1, 1};
  gridDim = {grid[0], grid[1], grid[2]};
  for (unsigned z = 0; z < grid[2]; ++z)
    for (unsigned y = 0; y < grid[1]; ++y)
      for (unsigned x = 0; x < grid[0]; ++x) {
        blockIdx = {x, y, z};
        emulator::run_block(shared);
      }
}
