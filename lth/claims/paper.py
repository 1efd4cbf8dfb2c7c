"""The claims as data, each fixed before any record of its study existed: the paper's numbers, and what came later.

Claims are indexed by level; the paper prints densities.
"""

from lth.claims.claim import Claim
from lth.claims.further import FURTHER
from lth.claims.lenet import LENET
from lth.claims.networks import OTHERS

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in (*LENET, *OTHERS)}


def every() -> dict[str, Claim]:
    """The paper's claims and those of later papers, by id."""
    return CLAIMS | FURTHER
