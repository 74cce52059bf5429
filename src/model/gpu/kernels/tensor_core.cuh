// Products of a warp on tensor cores: 16 rows times tiles in shared memory.
//
// A warp's operands are spread over its lanes as the instructions want it. Lane 4g + t holds, of 16 × 8 sums, those at
// (g, 2t), (g, 2t + 1), (g + 8, 2t) and (g + 8, 2t + 1). In f32 the factors are rounded to TF32.
#pragma once
#include "common.cuh"

#ifdef __CUDACC__

// sums (16 × 8) += left (16 × 16) right (16 × 8)
__device__ inline void multiply_bf16(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}

// sums (16 × 8) += left (16 × 8) right (8 × 8)
__device__ inline void multiply_tf32(float (&sums)[4], const unsigned (&left)[4], const unsigned (&right)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right[0]), "r"(right[1]));
}

__device__ inline unsigned tf32(float value) {
  unsigned bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return bits;
}

// Four 8 × 8 matrices of 16-bit numbers; lane 8m + r says where row r of matrix m begins.
template <bool TRANSPOSED>
__device__ inline void load_matrices(unsigned (&found)[4], const void* row) {
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  if (TRANSPOSED) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(found[0]), "=r"(found[1]), "=r"(found[2]), "=r"(found[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(found[0]), "=r"(found[1]), "=r"(found[2]), "=r"(found[3])
                 : "r"(address)
                 : "memory");
  }
}

#else
#include "tensor_core.h"
#endif

// A left operand of 16 rows and DEPTH columns.
struct Left {
  unsigned values[4];
};

template <class E>
struct TensorCore;

template <>
struct TensorCore<bf16> {
  static constexpr int DEPTH = 16;
  // Added to the width of a tile, so that rows begin in different banks and at multiples of 16 bytes.
  static constexpr int PADDING = 8;

  // From a tile in shared memory.
  template <int COUNT>
  __device__ static void left(Left (&left)[COUNT], const bf16* tile, int stride) {
    const unsigned lane = threadIdx.x % WARP;
    for (int k = 0; k < COUNT; ++k)
      load_matrices<false>(left[k].values, tile + (lane % 16) * stride + k * DEPTH + lane / 16 * 8);
  }

  // From sums, which become the left operand of the next product.
  template <int COUNT, int TILES>
  __device__ static void left_of_sums(Left (&left)[COUNT], const float (&sums)[TILES][4]) {
    static_assert(TILES == 2 * COUNT, "two tiles of sums are as deep as one operand");
    for (int k = 0; k < COUNT; ++k)
      for (int i = 0; i < 4; ++i) {
        const float* pair = &sums[2 * k + i / 2][i % 2 * 2];
        left[k].values[i] = narrow<bf16>(pair[0]).bits | static_cast<unsigned>(narrow<bf16>(pair[1]).bits) << 16;
      }
  }

  // sums += left · tileᵀ; the tile's rows are the result's columns.
  template <int TILES, int COUNT>
  __device__ static void multiply_rows(float (&sums)[TILES][4], const Left (&left)[COUNT], const bf16* tile,
                                       int stride) {
    static_assert(COUNT % 2 == 0, "two operands are loaded at once");
    const unsigned lane = threadIdx.x % WARP;
#pragma unroll
    for (int n = 0; n < TILES; ++n)
#pragma unroll
      for (int k = 0; k < COUNT; k += 2) {
        unsigned found[4];
        load_matrices<false>(found, tile + (n * 8 + lane % 8) * stride + k * DEPTH + lane / 8 * 8);
        const unsigned right[2][2] = {{found[0], found[1]}, {found[2], found[3]}};
        multiply_bf16(sums[n], left[k].values, right[0]);
        multiply_bf16(sums[n], left[k + 1].values, right[1]);
      }
  }

  // sums += left · tile, with a left operand made of sums.
  template <int TILES, int COUNT>
  __device__ static void multiply_columns(float (&sums)[TILES][4], const Left (&left)[COUNT], const bf16* tile,
                                          int stride) {
    static_assert(TILES % 2 == 0, "two tiles are loaded at once");
    const unsigned lane = threadIdx.x % WARP;
#pragma unroll
    for (int k = 0; k < COUNT; ++k)
#pragma unroll
      for (int n = 0; n < TILES; n += 2) {
        unsigned found[4];
        load_matrices<true>(found, tile + (k * DEPTH + lane % 16) * stride + (n + lane / 16) * 8);
        const unsigned right[2][2] = {{found[0], found[1]}, {found[2], found[3]}};
        multiply_bf16(sums[n], left[k].values, right[0]);
        multiply_bf16(sums[n + 1], left[k].values, right[1]);
      }
  }
};

template <>
struct TensorCore<float> {
  static constexpr int DEPTH = 8;
  static constexpr int PADDING = 4;

  template <int COUNT>
  __device__ static void left(Left (&left)[COUNT], const float* tile, int stride) {
    const unsigned lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
    for (int k = 0; k < COUNT; ++k)
      for (int i = 0; i < 4; ++i)
        left[k].values[i] = tf32(tile[(g + i % 2 * 8) * stride + k * DEPTH + t + i / 2 * 4]);
  }

  // The depth may come in any order, as long as both operands have the same: here 2t takes the place of t, and 2t + 1
  // that of t + 4, because those are the sums that a lane holds.
  template <int COUNT, int TILES>
  __device__ static void left_of_sums(Left (&left)[COUNT], const float (&sums)[TILES][4]) {
    static_assert(TILES == COUNT, "a tile of sums is as deep as an operand");
    for (int k = 0; k < COUNT; ++k)
      for (int i = 0; i < 4; ++i) left[k].values[i] = tf32(sums[k][i % 2 * 2 + i / 2]);
  }

  template <int TILES, int COUNT>
  __device__ static void multiply_rows(float (&sums)[TILES][4], const Left (&left)[COUNT], const float* tile,
                                       int stride) {
    const unsigned lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int n = 0; n < TILES; ++n)
#pragma unroll
      for (int k = 0; k < COUNT; ++k) {
        const float* from = tile + (n * 8 + g) * stride + k * DEPTH + t;
        const unsigned right[2] = {tf32(from[0]), tf32(from[4])};
        multiply_tf32(sums[n], left[k].values, right);
      }
  }

  template <int TILES, int COUNT>
  __device__ static void multiply_columns(float (&sums)[TILES][4], const Left (&left)[COUNT], const float* tile,
                                          int stride) {
    const unsigned lane = threadIdx.x % WARP, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int k = 0; k < COUNT; ++k)
#pragma unroll
      for (int n = 0; n < TILES; ++n) {
        const float* from = tile + (k * DEPTH + 2 * t) * stride + n * 8 + g;
        const unsigned right[2] = {tf32(from[0]), tf32(from[stride])};
        multiply_tf32(sums[n], left[k].values, right);
      }
  }
};
