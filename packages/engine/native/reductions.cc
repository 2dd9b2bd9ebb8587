// Sums of columns, and the sum of all squares of many tensors.
#include "columnSums.h"
#include "numbers.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/shape_inference.h"

namespace pairloom {
namespace {

using tensorflow::OpInputList;
using tensorflow::OpKernel;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;

template <class T>
struct AddRows {
  PAIRLOOM_LOOP(const T* x, int64_t rows, int64_t width, float* sums) {
    for (int64_t row = 0; row < rows; row++, x += width)
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) sums[i] += load(x + i);
  }
};

struct SumOfSquares {
  PAIRLOOM_LOOP(const float* x, int64_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sum;
  }
};

template <class T>
class ColumnSum : public OpKernel {
 public:
  explicit ColumnSum(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    const Tensor& x = context->input(0);
    OP_REQUIRES(context, x.dims() == 2, absl::InvalidArgumentError("x must have two axes"));
    const int64_t width = x.dim_size(1);
    Tensor* sums = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({width}), &sums));
    const T* from = x.flat<T>().data();
    columnSums(context, x.dim_size(0), width, sums->flat<float>().data(),
               [&](int64_t first, int64_t last, float* part) {
                 onProcessor<AddRows<T>>(from + first * width, last - first, width, part);
               });
  }
};

class SquaredNorm : public OpKernel {
 public:
  explicit SquaredNorm(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    constexpr int64_t kPiece = 16384;
    struct Piece {
      const float* from;
      int64_t count;
    };
    OpInputList tensors;
    OP_REQUIRES_OK(context, context->input_list("tensors", &tensors));
    std::vector<Piece> pieces;
    for (int i = 0; i < tensors.size(); i++) {
      const auto numbers = tensors[i].flat<float>();
      for (int64_t at = 0; at < numbers.size(); at += kPiece)
        pieces.push_back({numbers.data() + at, std::min<int64_t>(kPiece, numbers.size() - at)});
    }
    std::vector<float> sums(pieces.size());
    parallel(context, pieces.size(), kPiece, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) sums[i] = onProcessor<SumOfSquares>(pieces[i].from, pieces[i].count);
    });
    Tensor* total = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({}), &total));
    double sum = 0;
    for (const float part : sums) sum += part;
    total->scalar<float>()() = static_cast<float>(sum);
  }
};

REGISTER_OP("PairloomColumnSum")
    .Attr("T: {float, bfloat16} = DT_FLOAT")
    .Input("x: T")
    .Output("sums: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->Vector(c->Dim(c->input(0), 1)));
      return absl::OkStatus();
    });
REGISTER_OP("PairloomSquaredNorm")
    .Input("tensors: N * float")
    .Attr("N: int >= 1")
    .Output("sum: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->Scalar());
      return absl::OkStatus();
    });
#define PAIRLOOM_COLUMN_SUM(T)                                                                              \
  REGISTER_KERNEL_BUILDER(Name("PairloomColumnSum").Device(tensorflow::DEVICE_CPU).TypeConstraint<T>("T"), \
                          ColumnSum<T>);
PAIRLOOM_COLUMN_SUM(float)
PAIRLOOM_COLUMN_SUM(tensorflow::bfloat16)
REGISTER_KERNEL_BUILDER(Name("PairloomSquaredNorm").Device(tensorflow::DEVICE_CPU), SquaredNorm);

}  // namespace
}  // namespace pairloom
