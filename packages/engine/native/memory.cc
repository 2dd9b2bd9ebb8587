// A step frees and takes the same large blocks again and again. By default glibc gives each back to the system and asks
// for it anew, which costs a page fault for every 4 KiB: it is told to keep what it has. What is free for good (after a
// program was recorded, say) goes back when asked for by PairloomTrimMemory.
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "operation.h"

namespace pairloom {
namespace {

#ifdef __GLIBC__
[[maybe_unused]] const bool kept = mallopt(M_MMAP_MAX, 0) != 0 && mallopt(M_TRIM_THRESHOLD, 2147483647) != 0;
#endif

class TrimMemory : public OpKernel {
 public:
  explicit TrimMemory(OpKernelConstruction* construction) : OpKernel(construction) {}
  void Compute(OpKernelContext* context) override {
    Tensor* done = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({}), &done));
    done->scalar<float>()() = 0;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }
};

REGISTER_OP("PairloomTrimMemory")
    .Output("done: float")
    .SetIsStateful()
    .SetShapeFn(ScalarShape);
PAIRLOOM_KERNEL("PairloomTrimMemory", TrimMemory);

}  // namespace
}  // namespace pairloom
