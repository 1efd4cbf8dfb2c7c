"""The one exception that carries a message meant for the person at the keyboard."""

import re
from collections.abc import Collection


class LthError(Exception):
    """A user's mistake or a missing resource, told in one sentence.

    The message names the offending value, the allowed ones and the way out; the command line prints it without a
    traceback and exits with status 1.
    """


def check_choice(what: str, value: object, allowed: Collection[object]) -> None:
    """Raise LthError unless `value` is one of `allowed`, which are of types that compare as true or false."""
    if not any(isinstance(value, type(choice)) and value == choice for choice in allowed):
        raise LthError(f"unknown {what} {value!r}: choose one of {', '.join(map(str, allowed))}")


def check_positive(what: str, value: int, most: int | None = None) -> None:
    """Raise LthError unless `value` is a whole number of at least 1 and, where there is a bound, at most that."""
    check_whole(what, value, 1)
    if most is not None and value > most:
        raise LthError(f"{what} must be at most {most:,}, not {value:,}")


def check_whole(what: str, value: int, least: int = 0) -> None:
    """Raise LthError unless `value` is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise LthError(f"{what} must be a whole number of at least {least}, not {value!r}")


def check_switch(what: str, value: object) -> None:
    """Raise LthError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise LthError(f"{what} must be True or False, not {value!r}")


def check_name(what: str, value: object) -> None:
    """Raise LthError unless `value` is a text that can name things in tables, messages and files."""
    if not isinstance(value, str) or not re.fullmatch(r"(?![.\s])[^/\\\x00-\x1f\x7f]{1,100}(?<!\s)", value):
        raise LthError(f"{what} must be a text of 1 to 100 letters, digits and signs but slashes, not {value!r}")
