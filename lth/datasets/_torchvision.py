"""The one place that imports torchvision, and only when it is asked for."""

import functools
import warnings
from types import ModuleType

import torch


@functools.cache
def torchvision_datasets() -> ModuleType:
    """torchvision.datasets.

    A torchvision built for CUDA fails on import beside a CPU-only torch, because two operators it wants to describe
    were never declared; declaring them is enough, since nothing here calls them.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import torchvision.datasets
        except RuntimeError as error:
            if "torchvision::nms" not in str(error):
                raise
            for operator in ("nms", "qnms"):
                torch.library.define(
                    f"torchvision::{operator}", "(Tensor dets, Tensor scores, float threshold) -> Tensor"
                )
            import torchvision.datasets
    return torchvision.datasets
