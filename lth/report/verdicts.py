"""Every word with which the book judges something: what it means, the badge that shows it, its colour and its mark."""

from dataclasses import dataclass

RED, BLUE, GREEN, GREY, BLACK = "#b3261e", "#0173b2", "#0b6e4f", "0.4", "black"


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
REPORT = {  # on the points of the 2020 report's figures (null_2020.figures_of_2020)
    "agrees": Verdict("our records are as the figure shows, as far as it can show it", badge="success"),
    "differs": Verdict("our records are not as the figure shows", badge="danger"),
    "cannot tell": Verdict("the intervals cannot tell, or there is a single trial", badge="secondary"),
    "no records": Verdict("the records do not reach these weights", badge="light"),
}
NULL = {  # on one mistake or setting of the 2020 program (null_2020.rule)
    "sufficient": Verdict(
        "alone it erases the advantage: in speed and in accuracy less than a third of the protocol's is left",
        badge="danger",
        colour=RED,
        marker="o",
        filled=True,
    ),
    "for speed only": Verdict(
        "alone it erases the advantage in speed, and more than a third of that in accuracy is left",
        badge="warning",
        colour=RED,
        marker="X",
    ),
    "for accuracy only": Verdict(
        "alone it erases the advantage in accuracy, and more than a third of that in speed is left",
        badge="warning",
        colour=RED,
        marker="*",
    ),
    "weakens": Verdict(
        "more than a third is left in speed or in accuracy, and less than the whole in one of the two",
        badge="warning",
        colour=BLUE,
        marker="s",
    ),
    "no loss shown": Verdict(
        "more than a third is left in speed or in accuracy, and no loss is established in either",
        badge="success",
        colour=GREEN,
        marker="D",
    ),
    "necessary": Verdict(
        "without it, more than a third is back of an advantage that all together erase",
        badge="danger",
        colour=RED,
        marker="o",
        filled=True,
    ),
    "not necessary": Verdict(
        "without it, what all together erase stays away: the others suffice",
        badge="success",
        colour=GREEN,
        marker="D",
    ),
    "not asked": Verdict(
        "all together do not erase the advantage, so that none can be necessary for it",
        badge="light",
        colour=GREY,
        marker="v",
    ),
    "inconclusive": Verdict(
        "the intervals cannot tell, there are fewer than three trials, or the protocol shows no advantage",
        badge="secondary",
        colour=GREY,
        marker="^",
    ),
    "no runs": Verdict("its runs are not published yet", badge="light"),
}
TOGETHER = {  # on all of them together, where the word is not one of NULL
    "reproduced": Verdict(
        "of all together: in speed and in accuracy, less than a third of the protocol's advantage is left",
        colour=BLACK,
        marker="P",
        filled=True,
    ),
    "not reproduced": Verdict(
        "of all together: more than a third is left in speed or in accuracy",
        colour=BLACK,
        marker="P",
    ),
    "reversed": Verdict(
        "of all together: no advantage is left, and in speed or in accuracy tickets fall behind their control",
        colour=BLACK,
        marker="P",
        filled=True,
    ),
}
BADGES = {
    word: verdict.badge
    for vocabulary in (CLAIMS, REPORT, NULL, TOGETHER)
    for word, verdict in vocabulary.items()
    if verdict.badge
}


def meanings(*vocabularies: dict[str, Verdict]) -> list[tuple[str, str]]:
    """Each word of some vocabularies with its meaning, for a table."""
    return [(word, verdict.meaning) for words in vocabularies for word, verdict in words.items()]
