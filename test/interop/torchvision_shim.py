"""Lets torchvision from PyPI import beside a CPU torch, in test environments only.

That wheel's compiled operators are linked to CUDA's libtorch and cannot load here; its Python then fails because it
describes two operators nobody declared. When the operators do not load, declare the two: they cannot be called, but
open_clip never calls them (it takes image transforms alone). Loaded at start-up through a .pth file, so that it holds
in every process torchrun starts; it does nothing until torchvision is asked for.
"""
import importlib.machinery
import pathlib
import sys


class TorchvisionOperators:
    """A finder that finds nothing: it is asked before torchvision is imported, and prepares that import."""

    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            declare_missing_operators()
        return None


def declare_missing_operators():
    found = importlib.machinery.PathFinder.find_spec("torchvision")
    if found is None or found.origin is None:
        return
    import torch

    for library in pathlib.Path(found.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(library)
            return
        except OSError:
            pass
    fragment = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        fragment.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    # A library's declarations live as long as the object.
    TorchvisionOperators.declared = fragment


sys.meta_path.insert(0, TorchvisionOperators())
