"""What papers since claim of tickets, judged by LeNet's reduced protocol; each fixed before any record of its study.

The sources were read to different depths, which `source` says: *read* (the place named), *abstract* (no more than
that), *notes* (somebody's reading notes) or *memory* (unchecked). A number is registered only where its source was
read; of the others the direction is. Prose on them: data/registered.md.
"""

from dataclasses import replace

from lth.claims.claim import GAIN, Claim
from lth.claims.directions import LINEAR, PROTOCOL, as_good, comparison, higher, same, stable
from lth.statistics.paired import BARRIER, DENSE, DISAGREEMENT, ENSEMBLE_GAIN, MASK_ACC, START_ACC
from lth.studies.null_2020 import SETTINGS
from lth.studies.what_makes_a_ticket import BEFORE_TRAINING, CORRUPTED, DOSES, RATES

ZHOU, BLIND, SANITY = "Zhou et al. 2019 (1905.01067)", "Frankle et al. 2021 (2009.08576)", "Su et al. 2020 (2009.11094)"
FLOW = "Evci et al. 2022 (2010.03533), notes"
NULL = "+".join(SETTINGS)
BEFORE = (
    higher(
        "Z4", "ticket-starts", f"{ZHOU} abstract, read",
        "Before any training, tickets classify better than their masks with fresh weights.",
        measure=START_ACC, table="start", levels=(2, 3), against="reinit",
    ),
    Claim(
        id="Z4-best", study="ticket-starts", recipe=PROTOCOL, source=f"{ZHOU} abstract, read",
        statement="Before any training, the best level of a mask on untrained weights classifies 86 % of MNIST.",
        effect=GAIN, measure=START_ACC, table="start", against="chance", estimator="best", levels=(1, 2, 3, 4, 5),
        number=76.0, direction="larger is stronger", tolerance=5.0,
        rationale="86 % less the tenth that guessing has; five points, since masks are found by another rule there",
    ),
    higher(
        "Z4-constant", "ticket-starts", f"{ZHOU} abstract, read",
        "Before any training, one size a layer with the ticket's signs classifies better than the ticket itself.",
        measure=START_ACC, table="start", levels=(2, 3), arm="constant-signs", against="ticket",
    ),
    higher(
        "Z5", "ticket-starts", f"{ZHOU} Table 1, notes",
        "A learned mask on frozen weights classifies better than the ticket's mask at its start.",
        measure=MASK_ACC, table="supermasks", levels=(0,), arm="learned", against="best ticket at start",
    ),
    comparison(
        "Z5-scaled", "ticket-starts", f"{ZHOU} Table 1, memory",
        "A learned mask on frozen weights, scaled to the count left, is as accurate as the trained network.",
        "no worse", 0.5, "half a point: nothing is printed here, and all that is claimed is that training weights is "
        "not needed",
        {"measure": MASK_ACC, "table": "supermasks", "levels": (0,), "arm": "learned-scaled", "against": "trained"},
    ),
    comparison(
        "K1", "ticket-starts", "Koster 2022 (2201.13361) README, read",
        "A learned signed mask on frozen weights is as accurate as the trained network (97.48 against 97.42 %).",
        "no difference", 0.3, "the printed difference of 0.06, and what 10,000 images and five trials leave uncertain",
        {"measure": MASK_ACC, "table": "supermasks", "levels": (0,), "arm": "signed", "against": "trained"},
    ),
)  # fmt: skip
STARTS = (
    *(
        higher(
            f"Z1-{arm}", "ticket-starts", f"{ZHOU} Fig. 4, notes",
            f"Tickets beat their masks with {what}, which lose the signs.", against=arm,
        )
        for arm, what in (
            ("reinit", "fresh weights"), ("reshuffled", "reshuffled weights"), ("constant", "one size and random signs")
        )
    ),
    *(
        as_good(
            f"Z1-{arm}", "ticket-starts", f"{ZHOU} Fig. 4, notes",
            f"With their signs kept, {what} are as good as the ticket's start.", arm=arm, against="ticket",
        )
        for arm, what in (
            ("ticket-signs", "fresh sizes"), ("reshuffled-signs", "reshuffled sizes"),
            ("constant-signs", "weights of one size"),
        )
    ),
    higher(
        "Z1-sizes", "ticket-starts", f"{ZHOU} Fig. 4, notes",
        "Signs matter more than sizes: fresh sizes with the ticket's signs beat its sizes with fresh signs.",
        arm="ticket-signs", against="ticket-sizes",
    ),
    higher(
        "E1", "ticket-starts", "Frankle, Schwab & Morcos 2020 (2002.10365) abstract",
        "Small networks are robust to a start drawn anew with signs kept: it beats one that loses them.",
        arm="ticket-signs", against="reinit",
    ),
    as_good(
        "S2", "ticket-starts", "Sign-In to the Lottery 2025 (2504.12801) abstract",
        "Given the mask, trained signs suffice: with fresh sizes they are as good as the ticket's start.",
        arm="final-signs", against="ticket",
    ),
    *(
        higher(
            f"N1-{more}", "ticket-starts", "Frankle & Carbin 2019 (1803.03635) appendix, memory",
            f"Noise hurts a ticket the more, the more there is: {less} beats {more}.", arm=less, against=more,
        )
        for less, more in zip(("ticket", *DOSES), DOSES, strict=False)
    ),
)  # fmt: skip
CRITERIA = (
    *(
        higher(
            f"Z2-{name}", "ticket-criteria", f"{ZHOU} Fig. 3, notes",
            f"Tickets by final magnitude beat those by {words}.", arm="ticket", against="ticket", against_recipe=name,
        )
        for name, words in (("initial-magnitude", "initial magnitude"), ("random", "chance"))
    ),
    *(
        as_good(
            f"Z2-{name}", "ticket-criteria", f"{ZHOU} Fig. 3, notes", f"Tickets by {words} are as good.",
            recipe=name, against="ticket", against_recipe=PROTOCOL,
        )
        for name, words in (("magnitude-increase", "magnitude increase"), ("movement", "movement"))
    ),
    higher(
        "Z3", "ticket-frozen", f"{ZHOU} Fig. 5, notes", "Pruned weights at 0 beat those frozen at their start.",
        against="ticket", against_recipe="frozen",
    ),
    *(
        higher(
            f"B1-{name}-random", "ticket-criteria", f"{BLIND} abstract",
            f"Masks by {name} beat masks by chance.", recipe=name, against="ticket", against_recipe="random",
        )
        for name in (*BEFORE_TRAINING, "initial-magnitude")
    ),
    *(
        higher(
            f"B1-{name}-magnitude", "ticket-criteria", f"{BLIND} abstract",
            f"Masks by magnitude after training beat masks by {name}.", against="ticket", against_recipe=name,
        )
        for name in BEFORE_TRAINING
    ),
)  # fmt: skip
MASKS = (
    *(
        same(
            f"B2-{name}-{arm}", "ticket-criteria", f"{BLIND} abstract", f"{what} does not hurt masks by {name}.",
            recipe=name, against=arm,
        )
        for name in BEFORE_TRAINING
        for arm, what in (("random-mask", "A shuffle within layers"), ("reinit", "Drawing new weights"))
    ),
    higher(
        "B2-magnitude", "ticket-starts", f"{BLIND} abstract",
        "A shuffle within layers hurts masks by magnitude after training.", against="random-mask",
    ),
    *(
        same(
            f"B3-snip-{corruption}", "ticket-masks", f"{SANITY} abstract",
            f"SNIP finds masks as good on corrupted data ({corruption}).",
            recipe=f"snip-on-{corruption}", against="ticket", against_recipe="snip",
        )
        for corruption in CORRUPTED[:2]
    ),
    *(
        higher(
            f"B3-magnitude-{corruption}", "ticket-masks", f"{SANITY} abstract",
            f"Magnitude after training finds better masks on the data than on what they become ({corruption}).",
            against="ticket", against_recipe=f"found-on-{corruption}",
        )
        for corruption in CORRUPTED
    ),
)  # fmt: skip
STABILITY = (
    stable("M1-dense", "ticket-starts", "The dense network is stable from iteration 0.", levels=(0,)),
    stable("M1-ticket", "ticket-starts", "Tickets are stable from iteration 0.", levels=(2, 3, 4)),
    higher(
        "M2", "ticket-starts", LINEAR, "Networks that do not match are less stable: fresh weights in the masks.",
        measure=BARRIER, table="barriers", arm="reinit", against="ticket",
    ),
    replace(
        stable("P1", "ticket-starts", "A line without barrier joins networks of successive levels.", levels=(2, 3)),
        source="Paul et al. 2023 (2210.03044) abstract", table="level barriers",
    ),
    stable("N2-ticket", "ticket-settings", "Own question: tickets of the 2020 settings are stable too.", recipe=NULL),
    stable("N2-fresh", "ticket-settings", "Own question: so are fresh weights in them.", recipe=NULL, arm="reinit"),
)  # fmt: skip
RELEARNING = (
    higher(
        "G1", "ticket-relearning", FLOW,
        "A ticket agrees with the network it was pruned from more than fresh weights in its mask do.",
        measure=DISAGREEMENT, table="relearning", arm="reinit to parent", against="ticket to parent",
    ),
    higher(
        "G2", "ticket-relearning", FLOW, "Retrained tickets agree with each other more than draws of fresh weights do.",
        measure=DISAGREEMENT, table="relearning", arm="reinit to each other", against="retrained to each other",
    ),
    comparison(
        "G3-ticket", "ticket-relearning", FLOW, "An ensemble of retrained tickets gains nothing.", "no difference", 0.1,
        "a tenth of a point is what figures can show",
        {"measure": ENSEMBLE_GAIN, "table": "relearning", "arm": "retrained", "against": "nothing"},
    ),
    higher(
        "G3-fresh", "ticket-relearning", FLOW, "An ensemble of fresh weights gains more than one of retrained tickets.",
        measure=ENSEMBLE_GAIN, table="relearning", arm="reinit", against="retrained",
    ),
)  # fmt: skip
TRANSFER = (
    as_good(
        "R1", "ticket-starts", "Renda et al. 2020 (2003.02389) abstract",
        "Going on from the trained weights, at LeNet's constant rate the same as fine-tuning, is as good as rewinding.",
        arm="finetuned", against="ticket",
    ),
    *(
        same(
            f"Q1-{recipe.name}", "ticket-rates", "Liu et al. 2019 (1810.05270) README, read; 2107.00166 abstract",
            f"With the best learning rate a ticket's start brings nothing (if the best is {recipe.name}).",
            recipe=recipe.name, against="reinit",
        )
        for recipe in RATES
    ),
    same(
        "Q1-rate-0.0012", "ticket-rates", "Liu et al. 2019 (1810.05270) README, read; 2107.00166 abstract",
        "With the best learning rate a ticket's start brings nothing (if the best is LeNet's own).", against="reinit",
    ),
    *(
        higher(
            f"T1-{recipe}", "ticket-data", "Morcos et al. 2019 (1906.02773) abstract",
            "Tickets carried from another data set beat their masks with fresh weights.",
            recipe=recipe, against="reinit",
        )
        for recipe in ("mnist-to-fashion", "fashion-to-mnist")
    ),
    *(
        as_good(
            f"W1-{name}", "ticket-networks", "Frankle & Carbin 2019 (1803.03635) section 2, by analogy",
            f"Own question: tickets of {name} are as accurate as the dense network.", recipe=name, against=DENSE,
        )
        for name in ("fc-100-50", "fc-300", "fc-300-100-100-50", "fc-600-200", "fc-1200-400")
    ),
)  # fmt: skip
FURTHER: dict[str, Claim] = {
    claim.id: claim for claim in (*BEFORE, *STARTS, *CRITERIA, *MASKS, *STABILITY, *RELEARNING, *TRANSFER)
}
