// x · sigmoid(1.702 x), x · Φ(x), and the latter by tanh, each with its gradient, in one pass.
#include "numbers.h"
#include "parallel.h"
#include "vectorMath.h"

namespace pairloom {
namespace {

// Each activation: its value and its slope, of one number.
struct QuickGelu {
  static inline __attribute__((always_inline)) float value(float x) { return x * sigmoid(1.702f * x); }
  static inline __attribute__((always_inline)) float slope(float x) {
    const float gate = sigmoid(1.702f * x);
    return gate * (1.0f + 1.702f * x * (1.0f - gate));
  }
};
struct Gelu {
  static inline __attribute__((always_inline)) float below(float x) {
    return 0.5f * (1.0f + errorFunction(x * 0.70710678f));
  }
  static inline __attribute__((always_inline)) float value(float x) { return x * below(x); }
  static inline __attribute__((always_inline)) float slope(float x) {
    return below(x) + x * 0.39894228f * exponential(-0.5f * x * x);
  }
};
struct TanhGelu {
  static inline __attribute__((always_inline)) float bend(float x) {
    return hyperbolicTangent(0.79788456f * x * (1.0f + 0.044715f * x * x));
  }
  static inline __attribute__((always_inline)) float value(float x) { return 0.5f * x * (1.0f + bend(x)); }
  static inline __attribute__((always_inline)) float slope(float x) {
    const float t = bend(x);
    const float inner = 0.79788456f * (1.0f + 3.0f * 0.044715f * x * x);
    return 0.5f * (1.0f + t + x * (1.0f - t * t) * inner);
  }
};

template <class Function, class T>
struct Values {
  PAIRLOOM_LOOP(const T* x, T* y, int64_t count) {
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) store(Function::value(load(x + i)), y + i);
  }
};
template <class Function, class T>
struct Gradients {
  PAIRLOOM_LOOP(const T* x, const T* dy, T* dx, int64_t count) {
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) store(load(dy + i) * Function::slope(load(x + i)), dx + i);
  }
};

constexpr int64_t kActivationCycles = 6;

// y = f(x), in the place of x where nothing else reads it.
template <class Function, class T>
class Activation : public OpKernel {
 public:
  explicit Activation(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    Tensor* y = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    const T* from = x.flat<T>().data();
    T* to = y->flat<T>().data();
    parallel(context, x.NumElements(), kActivationCycles,
             [&](int64_t first, int64_t last) { onProcessor<Values<Function, T>>(from + first, to + first, last - first); });
  }
};

// dx = f'(x) · dy, in the place of either.
template <class Function, class T>
class ActivationGradient : public OpKernel {
 public:
  explicit ActivationGradient(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    const Tensor& dy = context->input(1);
    OP_REQUIRES(context, x.shape() == dy.shape(), absl::InvalidArgumentError("x and dy differ in shape"));
    Tensor* dx = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0, 1}, 0, x.shape(), &dx));
    const T* from = x.flat<T>().data();
    const T* slope = dy.flat<T>().data();
    T* to = dx->flat<T>().data();
    parallel(context, x.NumElements(), 2 * kActivationCycles, [&](int64_t first, int64_t last) {
      onProcessor<Gradients<Function, T>>(from + first, slope + first, to + first, last - first);
    });
  }
};

#define PAIRLOOM_ACTIVATION_KERNELS(Title, Function, T)                 \
  PAIRLOOM_KERNEL_OF(T, "Pairloom" Title, Activation<Function, T>);     \
  PAIRLOOM_KERNEL_OF(T, "Pairloom" Title "Gradient", ActivationGradient<Function, T>);

#define PAIRLOOM_ACTIVATION(Title, Function)                    \
  REGISTER_OP("Pairloom" Title)                                 \
      .Input("x: T")                                            \
      .Output("y: T")                                           \
      .Attr("T: {float, bfloat16} = DT_FLOAT")                  \
      .SetShapeFn(UnchangedShape); \
  REGISTER_OP("Pairloom" Title "Gradient")                      \
      .Input("x: T")                                            \
      .Input("dy: T")                                           \
      .Output("dx: T")                                          \
      .Attr("T: {float, bfloat16} = DT_FLOAT")                  \
      .SetShapeFn(UnchangedShape); \
  PAIRLOOM_ACTIVATION_KERNELS(Title, Function, float)           \
  PAIRLOOM_ACTIVATION_KERNELS(Title, Function, bfloat16)

PAIRLOOM_ACTIVATION("QuickGelu", QuickGelu)
PAIRLOOM_ACTIVATION("Gelu", Gelu)
PAIRLOOM_ACTIVATION("TanhGelu", TanhGelu)

}  // namespace
}  // namespace pairloom
