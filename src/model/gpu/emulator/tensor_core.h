// The instructions of tensor cores, lane by lane, after the tables of operands in NVIDIA's PTX manual ("Matrix fragments
// for mma.m16n8k16" and "m16n8k8", "ldmatrix").
#pragma once
#include "emulator.h"

namespace emulator {

struct Operands {
  unsigned left[4];
  unsigned right[2];
};

inline float half_of(unsigned pair, unsigned half) { return __uint_as_float(half == 0 ? pair << 16 : pair & 0xFFFF0000u); }

// Adds the product of 16 × DEPTH and DEPTH × 8 numbers; `left_of` and `right_of` give a number by row or column and
// depth.
template <int DEPTH, class LeftOf, class RightOf>
inline void multiply(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2], LeftOf left_of,
                     RightOf right_of) {
  Operands mine;
  std::memcpy(mine.left, left, sizeof(left));
  std::memcpy(mine.right, right, sizeof(right));
  give(mine);
  const unsigned lane = current % 32;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned row = lane / 4 + 8 * (i / 2), column = 2 * (lane % 4) + i % 2;
    for (unsigned k = 0; k < DEPTH; ++k) sums[i] += left_of(row, k) * right_of(k, column);
  }
  wait_for_warp();
}

}  // namespace emulator

inline void multiply_bf16(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
  using namespace emulator;
  multiply<16>(
      sums, left, right,
      [](unsigned row, unsigned k) {
        const auto given = taken_from<Operands>(row % 8 * 4 + k % 8 / 2);
        return half_of(given.left[row / 8 + 2 * (k / 8)], k % 2);
      },
      [](unsigned k, unsigned column) {
        const auto given = taken_from<Operands>(column * 4 + k % 8 / 2);
        return half_of(given.right[k / 8], k % 2);
      });
}

inline void multiply_tf32(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
  using namespace emulator;
  multiply<8>(
      sums, left, right,
      [](unsigned row, unsigned k) {
        return __uint_as_float(taken_from<Operands>(row % 8 * 4 + k % 4).left[row / 8 + 2 * (k / 4)]);
      },
      [](unsigned k, unsigned column) {
        return __uint_as_float(taken_from<Operands>(column * 4 + k % 4).right[k / 4]);
      });
}

inline unsigned tf32(float value) { return __float_as_uint(emulator::round_to_tf32(value)); }

template <bool TRANSPOSED>
inline void load_matrices(unsigned (&found)[4], const void* row) {
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
    std::fprintf(stderr, "ldmatrix from an address that is no multiple of 16\n");
    std::abort();
  }
  emulator::give(row);
  const unsigned lane = emulator::current % 32;
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    const auto number = [&](unsigned row, unsigned column) -> unsigned {
      return static_cast<const unsigned short*>(emulator::taken_from<const void*>(8 * matrix + row))[column];
    };
    const unsigned line = lane / 4, pair = 2 * (lane % 4);
    found[matrix] = TRANSPOSED ? number(pair, line) | number(pair + 1, line) << 16
                               : number(line, pair) | number(line, pair + 1) << 16;
  }
  emulator::wait_for_warp();
}
