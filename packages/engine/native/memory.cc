// A step frees and takes the same large blocks again and again. By default glibc gives each back to the system and asks
// for it anew, which costs a page fault for every 4 KiB: it is told to keep what it has.
#include <malloc.h>

namespace {
#ifdef __GLIBC__
[[maybe_unused]] const bool kept = mallopt(M_MMAP_MAX, 0) != 0 && mallopt(M_TRIM_THRESHOLD, 2147483647) != 0;
#endif
}  // namespace
