"""Where runs are trained: processes on this machine, or a Dask scheduler that has workers of its own."""

import contextlib
import logging
import signal
from collections.abc import Iterator

import dask
from dask.distributed import Client, LocalCluster

from lth.errors import LthError

# For glibc's malloc. Dask has its workers hand memory back at once, and a convolution would get pages from the system
# anew for every layer of every step: with Conv-2 that takes 40 % longer.
KEEP_MEMORY = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**33,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**30,
}


@contextlib.contextmanager
def connect(workers: int | None, scheduler: str | None) -> Iterator[Client]:
    """A client of the Dask scheduler at that address, or of `workers` one-thread processes on this machine.

    LthError where nothing answers at the address, or where processes do not start.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    if scheduler is not None:
        try:
            if not scheduler:
                raise ValueError("give an address such as tcp://HOST:8786")
            client = Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError, TypeError, AssertionError, ImportError) as error:  # Dask's, by scheme of address
            raise LthError(f"no Dask scheduler answers at {scheduler!r}: {error}") from error
        with client:
            yield client
        return
    try:
        with _children_ignore_interrupts(), dask.config.set(KEEP_MEMORY):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port: several studies may be running
                memory_limit=0,
                silence_logs=logging.CRITICAL,
            )
    except RuntimeError as error:
        raise LthError(
            f"the processes that train did not start ({error}): in a script, call this under "
            '`if __name__ == "__main__":`, because they read the script again'
        ) from error
    with cluster, Client(cluster, set_as_default=False) as client:
        yield client


@contextlib.contextmanager
def _children_ignore_interrupts() -> Iterator[None]:
    """Ctrl-C reaches every process of the terminal; only this one is to act on it."""
    try:
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread: there is no handler to change
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
