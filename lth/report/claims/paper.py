"""The claims as data, each fixed before any record of its study existed: the paper's numbers, and what came later.

Claims are indexed by level; the paper prints densities.
"""

from lth.report.claims.claim import Claim
from lth.report.claims.further import FURTHER
from lth.report.claims.lenet import LENET
from lth.report.claims.networks import OTHERS

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in (*LENET, *OTHERS)}


def every() -> dict[str, Claim]:
    """The paper's claims and those of later papers, by id."""
    return CLAIMS | FURTHER
