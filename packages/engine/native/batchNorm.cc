// Statistics of columns, batch normalisation by them (with or without a rectifier behind), and the gradient.
#include <cmath>

#include "columnSums.h"
#include "numbers.h"

namespace pairloom {
namespace {

// Rows added up in float32 before they go to the block's float64 sums.
constexpr int64_t kRowsAtOnce = 32;

// Sums of (x - shift) and of its square over some rows.
template <class T>
struct AddMoments {
  PAIRLOOM_LOOP(const T* x, int64_t rows, int64_t width, const float* shift, float* sum, float* squares) {
    for (int64_t row = 0; row < rows; row++, x += width) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) {
        const float centred = load(x + i) - shift[i];
        sum[i] += centred;
        squares[i] += centred * centred;
      }
    }
  }
};

// x [N, C] -> mean [C], biased variance [C]: one pass, shifted by the first row so that little cancels.
template <class T>
class ColumnMoments : public OpKernel {
 public:
  explicit ColumnMoments(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    OP_REQUIRES(context, x.dims() == 2 && x.dim_size(0) > 0,
                absl::InvalidArgumentError("x must have two axes and a row"));
    const int64_t rows = x.dim_size(0);
    const int64_t width = x.dim_size(1);
    Tensor* mean = nullptr;
    Tensor* variance = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({width}), &mean));
    OP_REQUIRES_OK(context, context->allocate_output(1, TensorShape({width}), &variance));
    const T* from = x.flat<T>().data();
    std::vector<float> shift(width);
    for (int64_t i = 0; i < width; i++) shift[i] = load(from + i);
    std::vector<double> parts(kBlocks * 2 * width, 0.0);
    blockwise(context, rows, 2 * width, [&](int64_t block, int64_t first, int64_t last) {
      double* part = parts.data() + block * 2 * width;
      std::vector<float> sums(2 * width);
      for (int64_t row = first; row < last; row += kRowsAtOnce) {
        std::fill(sums.begin(), sums.end(), 0.0f);
        onProcessor<AddMoments<T>>(from + row * width, std::min(kRowsAtOnce, last - row), width, shift.data(), sums.data(),
                   sums.data() + width);
        for (int64_t i = 0; i < 2 * width; i++) part[i] += sums[i];
      }
    });
    float* means = mean->flat<float>().data();
    float* variances = variance->flat<float>().data();
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) {
      double sum = 0;
      double squares = 0;
      for (int64_t block = 0; block < kBlocks; block++) {
        sum += parts[block * 2 * width + i];
        squares += parts[block * 2 * width + width + i];
      }
      const double centred = sum / static_cast<double>(rows);
      means[i] = static_cast<float>(shift[i] + centred);
      variances[i] =
          static_cast<float>(std::max(0.0, squares / static_cast<double>(rows) - centred * centred));
    }
  }
};

template <class T>
struct NormalizeRows {
  PAIRLOOM_LOOP(const T* x, const float* mean, const float* scale, const float* bias, float floor, int64_t rows, int64_t width, T* y) {
    for (int64_t row = 0; row < rows; row++, x += width, y += width) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) {
        const float value = (load(x + i) - mean[i]) * scale[i] + bias[i];
        store(value < floor ? floor : value, y + i);
      }
    }
  }
};

// Sums of dy and of dy · (x - mean) over some rows; with a rectifier, only where its output is above zero.
template <class T>
struct AddGradients {
  PAIRLOOM_LOOP(const T* dy, const T* x, const float* mean, const float* scale, const float* bias, float floor, int64_t rows, int64_t width, float* dBias, float* dScale) {
    for (int64_t row = 0; row < rows; row++, x += width, dy += width) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) {
        const float centred = load(x + i) - mean[i];
        // loaded whether it passes or not: a load behind a condition can't be done in vectors
        const float slopeOut = load(dy + i);
        const float passed = centred * scale[i] + bias[i] > floor ? slopeOut : 0.0f;
        dBias[i] += passed;
        dScale[i] += passed * centred;
      }
    }
  }
};

template <class T>
struct InputGradients {
  PAIRLOOM_LOOP(const T* dy, const T* x, const float* mean, const float* scale, const float* bias, float floor, const float* shift, const float* slope, int64_t rows, int64_t width, T* dx) {
    for (int64_t row = 0; row < rows; row++, x += width, dy += width, dx += width) {
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) {
        const float centred = load(x + i) - mean[i];
        // loaded whether it passes or not: a load behind a condition can't be done in vectors
        const float slopeOut = load(dy + i);
        const float passed = centred * scale[i] + bias[i] > floor ? slopeOut : 0.0f;
        store((passed - shift[i] - centred * slope[i]) * scale[i], dx + i);
      }
    }
  }
};

// What forward and backward share: the inputs' columns, checked.
template <class T>
struct Columns {
  int64_t rows = 0;
  int64_t width = 0;
  const T* x = nullptr;
  const float* mean = nullptr;
  const float* bias = nullptr;
  std::vector<float> inverse;
  std::vector<float> scale;
};

// inputs from `first` on: x, weight, bias, mean, variance
template <class T>
absl::Status readColumns(OpKernelContext* context, int first, float epsilon, Columns<T>* columns) {
  const Tensor& x = context->input(first);
  if (x.dims() != 2) return absl::InvalidArgumentError("x must have two axes");
  columns->rows = x.dim_size(0);
  columns->width = x.dim_size(1);
  for (int i = first + 1; i < first + 5; i++)
    if (context->input(i).NumElements() != columns->width)
      return absl::InvalidArgumentError("weight, bias and statistics must be as wide as x");
  columns->x = x.flat<T>().data();
  const float* weight = context->input(first + 1).flat<float>().data();
  columns->bias = context->input(first + 2).flat<float>().data();
  columns->mean = context->input(first + 3).flat<float>().data();
  const float* variance = context->input(first + 4).flat<float>().data();
  for (int64_t i = 0; i < columns->width; i++) {
    columns->inverse.push_back(1.0f / std::sqrt(variance[i] + epsilon));
    columns->scale.push_back(weight[i] * columns->inverse.back());
  }
  return absl::OkStatus();
}

class BatchNormBase : public OpKernel {
 public:
  explicit BatchNormBase(OpKernelConstruction* construction) : OpKernel(construction) {
    bool rectified = false;
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES_OK(construction, construction->GetAttr("rectified", &rectified));
    floor_ = rectified ? 0.0f : -std::numeric_limits<float>::infinity();
  }

 protected:
  float epsilon_;
  float floor_;
};

template <class T>
class BatchNorm : public BatchNormBase {
 public:
  using BatchNormBase::BatchNormBase;
  void Compute(OpKernelContext* context) override {
    Columns<T> columns;
    OP_REQUIRES_OK(context, readColumns(context, 0, epsilon_, &columns));
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &y));
    T* to = y->flat<T>().data();
    const int64_t width = columns.width;
    parallel(context, columns.rows, width, [&](int64_t first, int64_t last) {
      onProcessor<NormalizeRows<T>>(columns.x + first * width, columns.mean, columns.scale.data(), columns.bias, floor_,
                    last - first, width, to + first * width);
    });
  }
};

template <class T>
class BatchNormGradient : public BatchNormBase {
 public:
  using BatchNormBase::BatchNormBase;
  void Compute(OpKernelContext* context) override {
    Columns<T> columns;
    OP_REQUIRES_OK(context, readColumns(context, 1, epsilon_, &columns));
    const Tensor& dy = context->input(0);
    OP_REQUIRES(context, dy.shape() == context->input(1).shape(),
                absl::InvalidArgumentError("dy and x differ in shape"));
    const int64_t width = columns.width;
    Tensor* dx = nullptr;
    Tensor* dWeight = nullptr;
    Tensor* dBias = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, dy.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, TensorShape({width}), &dWeight));
    OP_REQUIRES_OK(context, context->allocate_output(2, TensorShape({width}), &dBias));
    const T* slopes = dy.flat<T>().data();
    const float* scale = columns.scale.data();
    std::vector<float> sums(2 * width);
    columnSums(context, columns.rows, 2 * width, sums.data(), [&](int64_t from, int64_t to, float* part) {
      onProcessor<AddGradients<T>>(slopes + from * width, columns.x + from * width, columns.mean, scale, columns.bias, floor_,
                   to - from, width, part, part + width);
    });
    float* toWeight = dWeight->flat<float>().data();
    float* toBias = dBias->flat<float>().data();
    std::vector<float> shift(width);
    std::vector<float> slope(width);
    const float share = 1.0f / static_cast<float>(columns.rows);
    for (int64_t i = 0; i < width; i++) {
      toBias[i] = sums[i];
      toWeight[i] = sums[width + i] * columns.inverse[i];
      shift[i] = sums[i] * share;
      slope[i] = sums[width + i] * columns.inverse[i] * columns.inverse[i] * share;
    }
    T* to = dx->flat<T>().data();
    parallel(context, columns.rows, 2 * width, [&](int64_t first, int64_t last) {
      onProcessor<InputGradients<T>>(slopes + first * width, columns.x + first * width, columns.mean, scale, columns.bias,
                     floor_, shift.data(), slope.data(), last - first, width, to + first * width);
    });
  }
};

REGISTER_OP("PairloomColumnMoments")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Input("x: T")
    .Output("mean: float")
    .Output("variance: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->Vector(c->Dim(c->input(0), 1)));
      c->set_output(1, c->Vector(c->Dim(c->input(0), 1)));
      return absl::OkStatus();
    });
REGISTER_OP("PairloomBatchNorm")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Input("x: T")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Attr("epsilon: float")
    .Attr("rectified: bool")
    .Output("y: T")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(0));
      return absl::OkStatus();
    });
REGISTER_OP("PairloomBatchNormGradient")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Input("dy: T")
    .Input("x: T")
    .Input("weight: float")
    .Input("bias: float")
    .Input("mean: float")
    .Input("variance: float")
    .Attr("epsilon: float")
    .Attr("rectified: bool")
    .Output("dx: T")
    .Output("d_weight: float")
    .Output("d_bias: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(0));
      c->set_output(1, c->input(2));
      c->set_output(2, c->input(2));
      return absl::OkStatus();
    });
#define PAIRLOOM_BATCH_NORM(T)                                            \
  PAIRLOOM_KERNEL_OF(T, "PairloomColumnMoments", ColumnMoments<T>);       \
  PAIRLOOM_KERNEL_OF(T, "PairloomBatchNorm", BatchNorm<T>);               \
  PAIRLOOM_KERNEL_OF(T, "PairloomBatchNormGradient", BatchNormGradient<T>);
PAIRLOOM_BATCH_NORM(float)
PAIRLOOM_BATCH_NORM(bfloat16)

}  // namespace
}  // namespace pairloom
