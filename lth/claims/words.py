"""The words of verdicts, and how the numbers beside them are written."""

VERDICTS = {  # a word, and what it means
    "replicated": (
        "the interval excludes no effect, in the claimed direction, and covers the claimed number within its "
        "tolerance; a number that is stronger when larger may be exceeded, a bound, moved by its tolerance, must hold "
        "for the whole interval; where the claim is that nothing differs, the whole interval lies within the "
        "tolerance, and where it is that one is no worse, above its lower end; a claimed level or range of levels is "
        "met within its tolerance"
    ),
    "direction only": "the effect is there, in the claimed direction, but its size or its level misses the claim",
    "not replicated": (
        "the interval lies wholly on the other side of no effect, or, where the claim is that nothing differs, wholly "
        "outside the tolerance"
    ),
    "inconclusive": "anything else: the records cannot tell; whether more trials might is another question",
    "not tested": "the records that the claim needs do not exist",
}


def number(value: float, form: str) -> str:
    """A number in a form such as "{:+.2f}", with a minus sign where it is negative."""
    return form.format(value).replace("-", "−")
