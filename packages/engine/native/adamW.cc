// AdamW as PyTorch computes it (decay decoupled, epsilon outside the bias correction), in one pass: as a function of
// tensors, and on variables where they lie.
#include <cmath>

#include "numbers.h"
#include "parallel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"

namespace pairloom {
namespace {

using tensorflow::Var;

struct Settings {
  float rateScale;
  float beta1;
  float beta2;
  float epsilon;
  float decay;
};

// The tensor `rates`: what changes from step to step.
struct Rates {
  float gradientScale;
  float learningRate;
  // 1 / (1 - beta1^t) and 1 / sqrt(1 - beta2^t)
  float correction1;
  float correction2;
  // zero leaves everything as it is
  float go;
};

// Gradients may be bfloat16: they are rounded already where a product gave them.
template <class T>
struct Update {
  PAIRLOOM_LOOP(const float* p, const float* m, const float* v, const T* g, int64_t count, const Settings& settings, const Rates& rates, float* newP, float* newM, float* newV) {
    const float beta1 = settings.beta1;
    const float beta2 = settings.beta2;
    const float epsilon = settings.epsilon;
    const float rest1 = 1.0f - beta1;
    const float rest2 = 1.0f - beta2;
    const double learningRate = static_cast<double>(rates.learningRate) * settings.rateScale;
    const float keep = static_cast<float>(1.0 - learningRate * settings.decay);
    const float rate = static_cast<float>(learningRate * rates.correction1);
    const float correction2 = rates.correction2;
    const float scale = rates.gradientScale;
#pragma GCC ivdep
    for (int64_t i = 0; i < count; i++) {
      const float gradient = load(g + i) * scale;
      const float first = beta1 * m[i] + rest1 * gradient;
      const float second = beta2 * v[i] + rest2 * gradient * gradient;
      newM[i] = first;
      newV[i] = second;
      newP[i] = p[i] * keep - rate * first / (std::sqrt(second) * correction2 + epsilon);
    }
  }
};

constexpr int64_t kUpdateCycles = 4;

class AdamWBase : public OpKernel {
 public:
  explicit AdamWBase(OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("rate_scale", &settings_.rateScale));
    OP_REQUIRES_OK(construction, construction->GetAttr("beta1", &settings_.beta1));
    OP_REQUIRES_OK(construction, construction->GetAttr("beta2", &settings_.beta2));
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &settings_.epsilon));
    OP_REQUIRES_OK(construction, construction->GetAttr("decay", &settings_.decay));
  }

 protected:
  // inputs 3 and 4 are the gradient and the rates
  absl::Status readRates(OpKernelContext* context, Rates* rates) {
    const Tensor& given = context->input(4);
    if (given.NumElements() != 5) return absl::InvalidArgumentError("rates must be five numbers");
    const float* numbers = given.flat<float>().data();
    *rates = {numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]};
    return absl::OkStatus();
  }

  Settings settings_;
};

class AdamW : public AdamWBase {
 public:
  using AdamWBase::AdamWBase;
  void Compute(OpKernelContext* context) override {
    Rates rates;
    OP_REQUIRES_OK(context, readRates(context, &rates));
    float* to[3];
    const float* from[4];
    const auto& shape = context->input(0).shape();
    for (int i = 0; i < 4; i++) {
      OP_REQUIRES(context, context->input(i).NumElements() == shape.num_elements(),
                  absl::InvalidArgumentError("parameter, moments and gradient differ in size"));
      from[i] = context->input(i).flat<float>().data();
      if (i == 3) break;
      Tensor* output = nullptr;
      OP_REQUIRES_OK(context, context->allocate_output(i, shape, &output));
      to[i] = output->flat<float>().data();
    }
    parallel(context, shape.num_elements(), kUpdateCycles, [&](int64_t first, int64_t last) {
      if (rates.go == 0) {
        for (int i = 0; i < 3; i++) std::copy(from[i] + first, from[i] + last, to[i] + first);
        return;
      }
      onProcessor<Update<float>>(from[0] + first, from[1] + first, from[2] + first, from[3] + first, last - first, settings_,
             rates, to[0] + first, to[1] + first, to[2] + first);
    });
  }
};

template <class T>
class ApplyAdamW : public AdamWBase {
 public:
  using AdamWBase::AdamWBase;
  void Compute(OpKernelContext* context) override {
    Rates rates;
    OP_REQUIRES_OK(context, this->readRates(context, &rates));
    if (rates.go == 0) return;
    const Tensor& gradient = context->input(3);
    tensorflow::core::RefCountPtr<Var> variables[3];
    float* numbers[3];
    for (int i = 0; i < 3; i++)
      OP_REQUIRES_OK(context, tensorflow::LookupResource(context, tensorflow::HandleFromInput(context, i),
                                                         &variables[i]));
    tensorflow::mutex_lock lock0(*variables[0]->mu());
    tensorflow::mutex_lock lock1(*variables[1]->mu());
    tensorflow::mutex_lock lock2(*variables[2]->mu());
    for (int i = 0; i < 3; i++) {
      Tensor* tensor = variables[i]->tensor();
      OP_REQUIRES(context, tensor->NumElements() == gradient.NumElements(),
                  absl::InvalidArgumentError("parameter, moments and gradient differ in size"));
      if (!tensor->RefCountIsOne()) {
        // somebody still reads the old values: they keep them
        Tensor copy;
        OP_REQUIRES_OK(context, context->allocate_temp(tensor->dtype(), tensor->shape(), &copy));
        const float* old = tensor->flat<float>().data();
        std::copy(old, old + tensor->NumElements(), copy.flat<float>().data());
        *tensor = copy;
      }
      numbers[i] = tensor->flat<float>().data();
    }
    const T* slope = gradient.flat<T>().data();
    parallel(context, gradient.NumElements(), kUpdateCycles, [&](int64_t first, int64_t last) {
      onProcessor<Update<T>>(numbers[0] + first, numbers[1] + first, numbers[2] + first, slope + first, last - first, settings_,
             rates, numbers[0] + first, numbers[1] + first, numbers[2] + first);
    });
  }
};

REGISTER_OP("PairloomAdamW")
    .Input("parameter: float")
    .Input("first: float")
    .Input("second: float")
    .Input("gradient: float")
    .Input("rates: float")
    .Attr("rate_scale: float")
    .Attr("beta1: float")
    .Attr("beta2: float")
    .Attr("epsilon: float")
    .Attr("decay: float")
    .Output("new_parameter: float")
    .Output("new_first: float")
    .Output("new_second: float")
    .SetShapeFn([](InferenceContext* c) {
      for (int i = 0; i < 3; i++) c->set_output(i, c->input(i));
      return absl::OkStatus();
    });
REGISTER_OP("PairloomApplyAdamW")
    .Input("parameter: resource")
    .Input("first: resource")
    .Input("second: resource")
    .Input("gradient: T")
    .Input("rates: float")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Attr("rate_scale: float")
    .Attr("beta1: float")
    .Attr("beta2: float")
    .Attr("epsilon: float")
    .Attr("decay: float")
    .SetIsStateful()
    .SetShapeFn(tensorflow::shape_inference::NoOutputs);
PAIRLOOM_KERNEL("PairloomAdamW", AdamW);
PAIRLOOM_KERNEL_OF(float, "PairloomApplyAdamW", ApplyAdamW<float>);
PAIRLOOM_KERNEL_OF(bfloat16, "PairloomApplyAdamW", ApplyAdamW<bfloat16>);

}  // namespace
}  // namespace pairloom
