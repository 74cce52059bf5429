// The pooler over [CLS] and the classifier, in f32, the weighted cross-entropy, and the gradients of all that. There are
// as many rows as sequences.
#include "common.cuh"

// pooled = tanh(W x + b), kept = dropout(pooled): one warp a number.
template <class E>
struct Pool {
  // Rows × width.
  const E* input;
  const float* weight;
  const float* bias;
  Dropout dropout;
  float* pooled;
  float* kept;
  unsigned rows;
  unsigned width;
};

template <class E, int N>
__device__ void pool(const Pool<E>& a) {
  const unsigned lane = threadIdx.x % WARP, row = blockIdx.y;
  const unsigned output = blockIdx.x * (blockDim.x / WARP) + threadIdx.x / WARP;
  if (output >= a.width) return;
  const E* input = a.input + static_cast<size_t>(row) * a.width;
  const float* weight = a.weight + static_cast<size_t>(output) * a.width;
  float sum = 0;
  for (unsigned column = lane * N; column < a.width; column += WARP * N) {
    float inputs[N], weights[N];
    load(inputs, input + column);
    load(weights, weight + column);
    for (int j = 0; j < N; ++j) sum += inputs[j] * weights[j];
  }
  sum = warp_sum(sum);
  if (lane == 0) {
    const size_t place = static_cast<size_t>(row) * a.width + output;
    const float pooled = tanhf(sum + a.bias[output]);
    a.pooled[place] = pooled;
    a.kept[place] = a.dropout.threshold == 0 ? pooled : pooled * a.dropout.element(place);
  }
}

EACH_FORMAT(pool, Pool)

// Two logits a row: one warp a row and class.
struct Classify {
  const float* kept;
  const float* weight;
  const float* bias;
  float* logits;
  unsigned width;
};

KERNEL(classify, Classify) {
  const Classify& a = arguments;
  const unsigned row = blockIdx.x, label = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  const float* kept = a.kept + static_cast<size_t>(row) * a.width;
  const float* weight = a.weight + label * a.width;
  float sum = 0;
  for (unsigned column = lane; column < a.width; column += WARP) sum += kept[column] * weight[column];
  sum = warp_sum(sum);
  if (lane == 0) a.logits[2 * row + label] = sum + a.bias[label];
}

// Weighted cross-entropy as loss.rs computes it, by one thread, because its sum must have one order and there are few
// rows.
struct CrossEntropy {
  const float* logits;
  const unsigned* labels;
  // Class weights divided by the sum of all weights of the batch.
  double shares[2];
  // With respect to the logits.
  float* slopes;
  // The loss is added to it.
  double* loss;
  unsigned rows;
};

KERNEL(cross_entropy, CrossEntropy) {
  const CrossEntropy& a = arguments;
  if (threadIdx.x > 0) return;
  double loss = 0;
  for (unsigned row = 0; row < a.rows; ++row) {
    const unsigned label = a.labels[row];
    const double share = a.shares[label];
    const double margin = static_cast<double>(a.logits[2 * row + 1 - label]) - static_cast<double>(a.logits[2 * row + label]);
    loss += share * ((margin > 0 ? margin : 0) + log1p(exp(-fabs(margin))));
    // Written so that it is not a number where the margin is not.
    const float slope = static_cast<float>(share / (1 + exp(-margin)));
    a.slopes[2 * row + label] = -slope;
    a.slopes[2 * row + 1 - label] = slope;
  }
  *a.loss += loss;
}

// With respect to what goes into tanh: a block a row.
struct ToLinear {
  // Rows × 2.
  const float* slopes;
  const float* weight;
  const float* pooled;
  Dropout dropout;
  float* to_linear;
  unsigned width;
};

KERNEL(to_linear, ToLinear) {
  const ToLinear& a = arguments;
  const unsigned row = blockIdx.x;
  for (unsigned column = threadIdx.x; column < a.width; column += blockDim.x) {
    const size_t place = static_cast<size_t>(row) * a.width + column;
    float gradient = a.slopes[2 * row] * a.weight[column] + a.slopes[2 * row + 1] * a.weight[a.width + column];
    if (a.dropout.threshold != 0) gradient *= a.dropout.element(place);
    a.to_linear[place] = gradient * (1.0f - a.pooled[place] * a.pooled[place]);
  }
}

// Gradients of parameters: a block an output of the pooler, and two more for the classifier's classes.
template <class E>
struct HeadGradient {
  // Rows × width.
  const E* input;
  const float* to_linear;
  const float* kept;
  // Rows × 2.
  const float* slopes;
  float* pooler_weight;
  float* pooler_bias;
  float* classifier_weight;
  float* classifier_bias;
  unsigned rows;
  unsigned width;
};

template <class E, int N>
__device__ void head_gradient(const HeadGradient<E>& a) {
  const unsigned output = blockIdx.x;
  const bool pooler = output < a.width;
  const unsigned label = output - a.width;
  for (unsigned column = threadIdx.x; column < a.width; column += blockDim.x) {
    float sum = 0;
    for (unsigned row = 0; row < a.rows; ++row) {
      const size_t start = static_cast<size_t>(row) * a.width;
      sum += pooler ? a.to_linear[start + output] * widen(a.input[start + column])
                    : a.slopes[2 * row + label] * a.kept[start + column];
    }
    float* to = pooler ? a.pooler_weight + static_cast<size_t>(output) * a.width : a.classifier_weight + label * a.width;
    to[column] += sum;
  }
  if (threadIdx.x == 0) {
    float sum = 0;
    for (unsigned row = 0; row < a.rows; ++row)
      sum += pooler ? a.to_linear[static_cast<size_t>(row) * a.width + output] : a.slopes[2 * row + label];
    *(pooler ? a.pooler_bias + output : a.classifier_bias + label) += sum;
  }
}

EACH_FORMAT(head_gradient, HeadGradient)

// With respect to what the pooler takes, rows × width. A block takes 32 columns of a row; its eight warps each go down
// an eighth of the outputs.
struct ToPooled {
  const float* to_linear;
  const float* weight;
  float* to_input;
  unsigned width;
};

KERNEL(to_pooled, ToPooled) {
  const ToPooled& a = arguments;
  __shared__ float found[8][WARP];
  const unsigned warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
  const unsigned column = blockIdx.x * WARP + lane;
  const float* to_linear = a.to_linear + static_cast<size_t>(blockIdx.y) * a.width;
  float sum = 0;
  if (column < a.width) {
    for (unsigned output = warp; output < a.width; output += 8)
      sum += to_linear[output] * a.weight[static_cast<size_t>(output) * a.width + column];
  }
  found[warp][lane] = sum;
  __syncthreads();
  if (warp == 0 && column < a.width) {
    for (unsigned other = 1; other < 8; ++other) sum += found[other][lane];
    a.to_input[static_cast<size_t>(blockIdx.y) * a.width + column] = sum;
  }
}
