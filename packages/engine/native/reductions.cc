// Sums of columns, and the sum of all squares of many tensors.
#include "columnSums.h"
#include "numbers.h"

namespace pairloom {
namespace {

template <class T>
struct AddRows {
  PAIRLOOM_LOOP(const T* x, int64_t rows, int64_t width, float* sums) {
    for (int64_t row = 0; row < rows; row++, x += width)
#pragma GCC ivdep
      for (int64_t i = 0; i < width; i++) sums[i] += load(x + i);
  }
};

template <class T>
struct SumOfSquares {
  PAIRLOOM_LOOP(const T* x, int64_t count) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < count; i++) sum += load(x + i) * load(x + i);
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
    std::vector<float> sums;
    OP_REQUIRES_OK(context, addSquares<float>(context, "tensors", &sums));
    OP_REQUIRES_OK(context, addSquares<bfloat16>(context, "low", &sums));
    Tensor* total = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({}), &total));
    double sum = 0;
    for (const float part : sums) sum += part;
    total->scalar<float>()() = static_cast<float>(sum);
  }

 private:
  // Sums of some thousand squares each, of all tensors of a list.
  template <class T>
  absl::Status addSquares(OpKernelContext* context, const char* list, std::vector<float>* sums) {
    constexpr int64_t kPiece = 16384;
    struct Piece {
      const T* from;
      int64_t count;
    };
    OpInputList tensors;
    TF_RETURN_IF_ERROR(context->input_list(list, &tensors));
    std::vector<Piece> pieces;
    for (int i = 0; i < tensors.size(); i++) {
      const auto numbers = tensors[i].flat<T>();
      for (int64_t at = 0; at < numbers.size(); at += kPiece)
        pieces.push_back({numbers.data() + at, std::min<int64_t>(kPiece, numbers.size() - at)});
    }
    const size_t before = sums->size();
    sums->resize(before + pieces.size());
    float* to = sums->data() + before;
    parallel(context, pieces.size(), kPiece, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; i++) to[i] = onProcessor<SumOfSquares<T>>(pieces[i].from, pieces[i].count);
    });
    return absl::OkStatus();
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
    .Input("low: M * bfloat16")
    .Attr("N: int >= 0")
    .Attr("M: int >= 0 = 0")
    .Output("sum: float")
    .SetShapeFn([](InferenceContext* c) {
      c->set_output(0, c->Scalar());
      return absl::OkStatus();
    });
PAIRLOOM_KERNEL_OF(float, "PairloomColumnSum", ColumnSum<float>);
PAIRLOOM_KERNEL_OF(bfloat16, "PairloomColumnSum", ColumnSum<bfloat16>);
PAIRLOOM_KERNEL("PairloomSquaredNorm", SquaredNorm);

}  // namespace
}  // namespace pairloom
