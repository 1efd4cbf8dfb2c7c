"""The conditions: where an arm's mask and starting weights come from."""

OWN_CHAINS = ("chain-reinit", "chain-rewound", "other-ticket")  # arms that are pruned by weights of their own
ARMS = ("ticket", "reinit", "random-mask", "oneshot", "oneshot-reinit", *OWN_CHAINS)
FROM_DENSE = ("ticket", "reinit", *OWN_CHAINS)  # arms with a level 0 of their own; the others share the ticket's
KEEPS_WEIGHTS = ("ticket", *OWN_CHAINS)  # the arms whose next level is pruned from these weights
SHARES_MASKS = ("reinit", "oneshot-reinit")  # the arms that borrow the masks of another
