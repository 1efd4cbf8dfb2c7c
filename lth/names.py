"""How what is not the library's (a network, data, a criterion, an arm) is named and identified in a run's key."""

import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path


def name_of(thing: str | Callable) -> str:
    """A name as it is; of a function or class, its module and name, such as "mine:Net"."""
    if isinstance(thing, str):
        return thing
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}:{named.__qualname__}"


def source_of(thing: Callable) -> str:
    """SHA-256 of the code that defines a function or class, so that runs of another version of it are other runs.

    Of what lies in a module of its own, the whole file counts, with the helpers in it; of what was typed in a notebook
    or script, its own text. Code that it imports from elsewhere does not count.
    """
    module = sys.modules.get(getattr(thing, "__module__", "") or "")
    file = getattr(module, "__file__", None)
    if file and getattr(module, "__name__", "") != "__main__" and Path(file).is_file():
        text = Path(file).read_bytes()
    else:
        try:
            text = inspect.getsource(thing if hasattr(thing, "__qualname__") else type(thing)).encode()
        except (OSError, TypeError):  # typed at a prompt that keeps no source
            code = getattr(thing, "__code__", None)
            text = repr((code.co_code, code.co_consts, code.co_names) if code else name_of(thing)).encode()
    return hashlib.sha256(text).hexdigest()
