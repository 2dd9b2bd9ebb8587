// x · sigmoid(1.702 x), x · Φ(x), and the latter by tanh, each with its gradient, in one pass.
#include "parallel.h"
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "vectorMath.h"

namespace pairloom {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

PAIRLOOM_CLONES void quickGelu(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] = x[i] * sigmoid(1.702f * x[i]);
}
PAIRLOOM_CLONES void quickGeluGradient(const float* x, const float* dy, float* dx, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const float gate = sigmoid(1.702f * x[i]);
    dx[i] = dy[i] * gate * (1.0f + 1.702f * x[i] * (1.0f - gate));
  }
}
PAIRLOOM_CLONES void gelu(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i++) y[i] = x[i] * 0.5f * (1.0f + errorFunction(x[i] * 0.70710678f));
}
PAIRLOOM_CLONES void geluGradient(const float* x, const float* dy, float* dx, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const float below = 0.5f * (1.0f + errorFunction(x[i] * 0.70710678f));
    dx[i] = dy[i] * (below + x[i] * 0.39894228f * exponential(-0.5f * x[i] * x[i]));
  }
}
PAIRLOOM_CLONES void tanhGelu(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const float inner = 0.79788456f * x[i] * (1.0f + 0.044715f * x[i] * x[i]);
    y[i] = 0.5f * x[i] * (1.0f + hyperbolicTangent(inner));
  }
}
PAIRLOOM_CLONES void tanhGeluGradient(const float* x, const float* dy, float* dx, int64_t count) {
  for (int64_t i = 0; i < count; i++) {
    const float square = x[i] * x[i];
    const float bend = hyperbolicTangent(0.79788456f * x[i] * (1.0f + 0.044715f * square));
    const float slope = 0.79788456f * (1.0f + 3.0f * 0.044715f * square);
    dx[i] = dy[i] * 0.5f * (1.0f + bend + x[i] * (1.0f - bend * bend) * slope);
  }
}

constexpr int64_t kActivationCycles = 6;

// y = f(x), in the place of x where nothing else reads it.
template <void (*function)(const float*, float*, int64_t)>
class Activation : public OpKernel {
 public:
  explicit Activation(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    const float* from = x.flat<float>().data();
    float* to = y->flat<float>().data();
    parallel(context, x.NumElements(), kActivationCycles,
             [&](int64_t first, int64_t last) { function(from + first, to + first, last - first); });
  }
};

// dx = f'(x) · dy, in the place of either.
template <void (*function)(const float*, const float*, float*, int64_t)>
class ActivationGradient : public OpKernel {
 public:
  explicit ActivationGradient(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Tensor& dy = context->input(1);
    OP_REQUIRES(context, x.shape() == dy.shape(), absl::InvalidArgumentError("x and dy differ in shape"));
    Tensor* dx = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0, 1}, 0, x.shape(), &dx));
    const float* from = x.flat<float>().data();
    const float* slope = dy.flat<float>().data();
    float* to = dx->flat<float>().data();
    parallel(context, x.NumElements(), 2 * kActivationCycles, [&](int64_t first, int64_t last) {
      function(from + first, slope + first, to + first, last - first);
    });
  }
};

#define PAIRLOOM_ACTIVATION(Title, function)                                                                \
  REGISTER_OP("Pairloom" Title).Input("x: float").Output("y: float").SetShapeFn(                            \
      tensorflow::shape_inference::UnchangedShape);                                                        \
  REGISTER_OP("Pairloom" Title "Gradient")                                                                  \
      .Input("x: float")                                                                                   \
      .Input("dy: float")                                                                                  \
      .Output("dx: float")                                                                                 \
      .SetShapeFn(tensorflow::shape_inference::UnchangedShape);                                            \
  REGISTER_KERNEL_BUILDER(Name("Pairloom" Title).Device(DEVICE_CPU), Activation<function>);     \
  REGISTER_KERNEL_BUILDER(Name("Pairloom" Title "Gradient").Device(DEVICE_CPU),                 \
                          ActivationGradient<function##Gradient>);

PAIRLOOM_ACTIVATION("QuickGelu", quickGelu)
PAIRLOOM_ACTIVATION("Gelu", gelu)
PAIRLOOM_ACTIVATION("TanhGelu", tanhGelu)

}  // namespace
}  // namespace pairloom
