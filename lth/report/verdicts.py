"""Every word with which the book judges something: what it means, the badge that shows it, its colour and its mark."""

from dataclasses import dataclass

RED, BLUE, GREEN, GREY = "#b3261e", "#0173b2", "#0b6e4f", "0.4"


@dataclass(frozen=True)
class Verdict:
    """One word: `badge` is a colour of sphinx-design, "" where no table shows one; marker and colour are matplotlib's.

    Marks of one figure differ in shape, so that they are told apart where there is no colour; not `filled`: a ring.
    """

    meaning: str
    badge: str = ""
    colour: str = GREY
    marker: str = ""
    filled: bool = False


CLAIMS = {  # on the paper's claims (claims.rule)
    "replicated": Verdict(
        "the interval excludes no effect, in the claimed direction, and covers the claimed number within its "
        "tolerance; a number that is stronger when larger may be exceeded, a bound, moved by its tolerance, must hold "
        "for the whole interval; where the claim is that nothing differs, the whole interval lies within the "
        "tolerance, and where it is that one is no worse, above its lower end; a claimed level or range of levels is "
        "met within its tolerance",
        badge="success",
    ),
    "direction only": Verdict(
        "the effect is there, in the claimed direction, but its size or its level misses the claim",
        badge="info",
    ),
    "not replicated": Verdict(
        "the interval lies wholly on the other side of no effect, or, where the claim is that nothing differs, wholly "
        "outside the tolerance",
        badge="danger",
    ),
    "inconclusive": Verdict(
        "anything else: the records cannot tell; whether more trials might is another question",
        badge="secondary",
    ),
    "not tested": Verdict("the records that the claim needs do not exist", badge="light"),
}
BADGES = {word: verdict.badge for word, verdict in CLAIMS.items() if verdict.badge}


def meanings(*vocabularies: dict[str, Verdict]) -> list[tuple[str, str]]:
    """Each word of some vocabularies with its meaning, for a table."""
    return [(word, verdict.meaning) for words in vocabularies for word, verdict in words.items()]
