"""Whether there are workers while results are waited for: Dask waits in silence for the next that comes."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from dask.distributed import Client

PATIENCE = 60.0  # seconds: a worker that is started again comes back sooner
EVERY = 5.0


@contextlib.contextmanager
def watched(client: Client, say: Callable[[str], object]) -> Iterator[None]:
    """Say so, once each time, where there were workers and all have been gone for a minute."""
    over = threading.Event()
    last = time.monotonic() if client.nthreads() else None
    watching = threading.Thread(target=_watch, args=(client, say, over, last), daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join(1.0)


def _watch(client: Client, say: Callable[[str], object], over: threading.Event, last: float | None) -> None:
    """Look for workers until it is over. `last`: when one was last seen, None once it is told that none is left."""
    while True:
        try:
            workers = client.nthreads()
        except Exception:  # the scheduler is gone, in one of many ways: whoever waits for a result is told
            return
        if workers:
            last = time.monotonic()
        elif last is not None and time.monotonic() - last > PATIENCE:
            say(f"no worker has been left for {PATIENCE:g} seconds: runs wait for the next that comes")
            last = None
        if over.wait(EVERY):
            return
