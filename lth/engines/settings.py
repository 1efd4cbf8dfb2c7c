"""How PyTorch computes while runs are trained: exactly, and the same way each time."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """One thread, denormals flushed to 0, on a GPU whole float32 products by repeatable kernels; then as it was before.

    With one thread sums keep their order, and processes do not wait for each other. Adam's moments of dead weights
    decay into denormals, which cost tenfold. TF32 and bfloat16 keep 8 to 11 bits of each factor; whether tickets win by
    half a percentage point should not hang on that, nor should a record from a GPU differ from a CPU's by more than the
    order of its sums.
    """
    threads, flushes = torch.get_num_threads(), not (torch.full((), 2.0**-140) * 1.0).item()
    products, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    products.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = False, False, True, False
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushes)
        products.allow_tf32, cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark = before
