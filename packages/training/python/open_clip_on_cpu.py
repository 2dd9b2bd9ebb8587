"""open_clip's own trainer, with its processes on CPUs.

open_clip 3.3.0 gives DistributedDataParallel the process's device as `device_ids`, which PyTorch refuses for CPUs. This
drops that argument and runs `open_clip_train.main` unchanged; where there is CUDA it is not used.
"""

import runpy

import torch.nn.parallel
from torch.nn.parallel import DistributedDataParallel


class OnCpu(DistributedDataParallel):
    def __init__(self, module, device_ids=None, **options):
        super().__init__(module, **options)


torch.nn.parallel.DistributedDataParallel = OnCpu
runpy.run_module("open_clip_train.main", run_name="__main__", alter_sys=True)
