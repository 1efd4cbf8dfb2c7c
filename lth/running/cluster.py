"""Where runs are trained: processes on this machine, or a Dask scheduler that has workers of its own."""

import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import dask.system
from dask.distributed import Client, LocalCluster
from distributed.security import Security

from lth.errors import LthError
from lth.running.watch import watched

# For glibc's malloc. Dask has its workers hand memory back at once, and a convolution would get pages from the system
# anew for every layer of every step: with Conv-2 that takes 40 % longer.
KEEP_MEMORY = {
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**33,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**30,
}
# Nobody reads Dask's profiles, and Python 3.11 can crash while another thread looks at its frames:
# https://github.com/dask/distributed/pull/8916
NO_PROFILE = {"distributed.worker.profile.enabled": False}

ENCRYPTION = "distributed.comm.require-encryption"
ENCRYPTED = ("tls://", "wss://")


def cores() -> int:
    """How many processor cores this process may use, which in a container or a batch job are not all there are."""
    return dask.system.cpu_count()


@contextlib.contextmanager
def connect(workers: int | None, scheduler: str | None, say: Callable[[str], object] = print) -> Iterator[Client]:
    """A client of the Dask scheduler at that address, or of `workers` one-thread processes on this machine.

    `say` prints a sentence, also where all workers go and none comes back. LthError where nothing answers at the
    address, where what answers lacks this library, or where processes do not start.
    """
    logging.getLogger("distributed").setLevel(logging.ERROR)
    there = _elsewhere(scheduler, say) if scheduler is not None else _here(workers)
    with there as client, watched(client, say):
        yield client


@contextlib.contextmanager
def _elsewhere(scheduler: str, say: Callable[[str], object]) -> Iterator[Client]:
    """A client of the scheduler at that address."""
    try:
        if not scheduler:
            raise ValueError("give an address such as tcp://HOST:8786")
        if dask.config.get(ENCRYPTION, False) and not scheduler.startswith(ENCRYPTED):
            raise ValueError(f"Dask's settings ask for encryption ({ENCRYPTION}): give an address that begins with tls")
        client = Client(scheduler, timeout=10, set_as_default=False)
    except (OSError, ValueError, TypeError, AssertionError, ImportError, RuntimeError) as error:  # by scheme of address
        raise LthError(f"no Dask scheduler answers at {scheduler!r}: {error}") from error
    with client:
        # Builtins, which every Python has: a function of this library could not even be sent.
        _ask("the scheduler", lambda: client.run_on_scheduler(exec, "import lth.running.worker"))
        if client.scheduler_info(n_workers=-1)["workers"]:
            _ask("a worker", lambda: client.run(exec, "import lth.running.worker", on_error="raise"))
        else:
            say(f"the scheduler at {scheduler} has no workers yet: runs wait for the first that comes")
        yield client


def _ask(who: str, question: Callable[[], object]) -> None:
    """LthError where a program cannot import this library."""
    try:
        question()
    except ImportError as error:
        raise LthError(
            f"{who} cannot import lth ({error}): install it, in the version that is used here, where they run"
        ) from error
    except ValueError:  # the scheduler's settings forbid what is pickled: it may do without
        return


@contextlib.contextmanager
def _here(workers: int | None) -> Iterator[Client]:
    """A client of processes on this machine, which are killed where what uses it is interrupted or fails."""
    _forget_a_script_without_a_file()
    security = _certificates() if dask.config.get(ENCRYPTION, False) else None
    try:
        with _children_ignore_interrupts(), dask.config.set(KEEP_MEMORY | NO_PROFILE):
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",  # any free port: several studies may be running
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                security=security,
            )
    except RuntimeError as error:
        raise LthError(
            f"the processes that train did not start ({_root(error)}): in a script, call this under "
            '`if __name__ == "__main__":`, because they read the script again'
        ) from error
    with cluster, Client(cluster, set_as_default=False) as client:
        try:
            yield client
        except BaseException:
            _kill(cluster)  # what they train is lost anyway, and they would finish it first
            raise


def _certificates() -> Security:
    """Certificates for this once."""
    try:
        return Security.temporary()
    except ImportError as error:
        raise LthError(
            f"Dask's settings ask for encryption ({ENCRYPTION}), for which a package is missing: {error}"
        ) from error


def _kill(cluster: LocalCluster) -> None:
    for nanny in cluster.workers.values():
        nanny.auto_restart = False
        if nanny.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)


def _root(error: BaseException) -> str:
    """What went wrong first, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _forget_a_script_without_a_file() -> None:
    """New processes read the program again that starts them; one that comes from standard input has no file."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is not None and not Path(file).is_file():
        del main.__file__  # for good: a worker that dies is started again later on


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
