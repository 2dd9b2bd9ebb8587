// Layer normalisation of rows and its gradient.
#include <cmath>

#include "columnSums.h"
#include "numbers.h"

namespace pairloom {
namespace {

template <class T>
struct NormalizeRow {
  PAIRLOOM_LOOP(const float* x, const float* weight, const float* bias, float epsilon, int64_t width, T* y, float* normal, float* inverse) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; i++) sum += x[i];
    const float mean = sum / static_cast<float>(width);
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int64_t i = 0; i < width; i++) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) {
      normal[i] = (x[i] - mean) * scale;
      store(normal[i] * weight[i] + bias[i], y + i);
    }
    *inverse = scale;
  }
};

template <class T>
struct RowGradient {
  PAIRLOOM_LOOP(const T* dy, const float* normal, const float* weight, float inverse, int64_t width, float* dx, float* dWeight, float* dBias) {
    float sum = 0;
    float along = 0;
#pragma omp simd reduction(+ : sum, along)
    for (int64_t i = 0; i < width; i++) {
      const float slope = load(dy + i) * weight[i];
      sum += slope;
      along += slope * normal[i];
    }
    const float mean = sum / static_cast<float>(width);
    const float share = along / static_cast<float>(width);
#pragma GCC ivdep
    for (int64_t i = 0; i < width; i++) {
      const float slope = load(dy + i);
      dWeight[i] += slope * normal[i];
      dBias[i] += slope;
      dx[i] = (slope * weight[i] - mean - normal[i] * share) * inverse;
    }
  }
};

template <class T>
class LayerNorm : public OpKernel {
 public:
  explicit LayerNorm(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
  }
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    OP_REQUIRES(context, x.dims() == 2, absl::InvalidArgumentError("x must have two axes"));
    const int64_t rows = x.dim_size(0);
    const int64_t width = x.dim_size(1);
    for (int i : {1, 2})
      OP_REQUIRES(context, context->input(i).NumElements() == width,
                  absl::InvalidArgumentError("weight and bias must be as wide as x"));
    Tensor* y = nullptr;
    Tensor* normal = nullptr;
    Tensor* inverse = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, x.shape(), &normal));
    OP_REQUIRES_OK(context, context->allocate_output(2, TensorShape({rows, 1}), &inverse));
    const float* from = x.flat<float>().data();
    const float* weight = context->input(1).flat<float>().data();
    const float* bias = context->input(2).flat<float>().data();
    T* to = y->flat<T>().data();
    float* kept = normal->flat<float>().data();
    float* scales = inverse->flat<float>().data();
    parallel(context, rows, 4 * width, [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; row++) {
        const int64_t at = row * width;
        onProcessor<NormalizeRow<T>>(from + at, weight, bias, epsilon_, width, to + at, kept + at, scales + row);
      }
    });
  }

 private:
  float epsilon_;
};

template <class T>
class LayerNormGradient : public OpKernel {
 public:
  explicit LayerNormGradient(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& dy = context->input(0);
    const Tensor& normal = context->input(1);
    OP_REQUIRES(context, dy.dims() == 2 && dy.shape() == normal.shape(),
                absl::InvalidArgumentError("dy and normal must be one shape of two axes"));
    const int64_t rows = dy.dim_size(0);
    const int64_t width = dy.dim_size(1);
    OP_REQUIRES(context, context->input(2).NumElements() == rows && context->input(3).NumElements() == width,
                absl::InvalidArgumentError("inverse or weight does not fit dy"));
    Tensor* dx = nullptr;
    Tensor* dWeight = nullptr;
    Tensor* dBias = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, dy.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, TensorShape({width}), &dWeight));
    OP_REQUIRES_OK(context, context->allocate_output(2, TensorShape({width}), &dBias));
    const T* slope = dy.flat<T>().data();
    const float* kept = normal.flat<float>().data();
    const float* inverse = context->input(2).flat<float>().data();
    const float* weight = context->input(3).flat<float>().data();
    float* to = dx->flat<float>().data();
    std::vector<float> sums(2 * width);
    columnSums(context, rows, 2 * width, sums.data(), [&](int64_t from, int64_t until, float* part) {
      for (int64_t row = from; row < until; row++) {
        const int64_t at = row * width;
        onProcessor<RowGradient<T>>(slope + at, kept + at, weight, inverse[row], width, to + at, part, part + width);
      }
    });
    std::copy(sums.begin(), sums.begin() + width, dWeight->flat<float>().data());
    std::copy(sums.begin() + width, sums.end(), dBias->flat<float>().data());
  }
};

REGISTER_OP("PairloomLayerNorm")
    .Input("x: float")
    .Input("weight: float")
    .Input("bias: float")
    .Attr("epsilon: float")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Output("y: T")
    .Output("normal: float")
    .Output("inverse: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(0));
      c->set_output(1, c->input(0));
      c->set_output(2, c->Matrix(c->Dim(c->input(0), 0), 1));
      return absl::OkStatus();
    });
REGISTER_OP("PairloomLayerNormGradient")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Input("dy: T")
    .Input("normal: float")
    .Input("inverse: float")
    .Input("weight: float")
    .Output("dx: float")
    .Output("d_weight: float")
    .Output("d_bias: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->input(0));
      c->set_output(1, c->Vector(c->Dim(c->input(0), 1)));
      c->set_output(2, c->Vector(c->Dim(c->input(0), 1)));
      return absl::OkStatus();
    });
#define PAIRLOOM_LAYER_NORM(T)                              \
  PAIRLOOM_KERNEL_OF(T, "PairloomLayerNorm", LayerNorm<T>); \
  PAIRLOOM_KERNEL_OF(T, "PairloomLayerNormGradient", LayerNormGradient<T>);
PAIRLOOM_LAYER_NORM(float)
PAIRLOOM_LAYER_NORM(bfloat16)

}  // namespace
}  // namespace pairloom
