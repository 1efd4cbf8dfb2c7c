"""The paper's numeric claims as data, each fixed before any record of its study existed.

Claims are indexed by level; the paper prints densities.
"""

from lth.report.claims.claim import Claim
from lth.report.claims.lenet import LENET
from lth.report.claims.networks import OTHERS

CLAIMS: dict[str, Claim] = {claim.id: claim for claim in (*LENET, *OTHERS)}
