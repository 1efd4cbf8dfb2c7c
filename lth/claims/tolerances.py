"""Why the tolerances of the claims are what they are."""

SPEED = (
    "one standard error of the paper's own ratio: a 30 % coefficient of variation of the early-stop iteration (an "
    "independent replication's) over 5 trials on either side makes a ratio uncertain by 0.3 sqrt(2 / 5) = 19 %: "
    "0.62 x 19 % = 12 points of 38 % earlier, 0.48 of 2.51 x"
)
ACCURACY = (
    "the paper's own uncertainty: 10,000 test images at 98 % give a standard error of 0.14 / sqrt(5) = 0.06 pp over 5 "
    "trials, and the printed digit adds up to 0.05 pp"
)
HALF = "half of what the paper reports at the best level (38 % earlier, 0.3 pp): what remains is nearer to nothing"
LEVELS = (
    "two levels: one because the paper's densities need not lie on our levels, one because it reads averages off a "
    "figure where we ask that an interval exclude zero"
)
AT_FIRST = "the paper gives no level: any from the third to the last is later than at first"
CIFAR = "as for LeNet: a standard error of the printed ratio (19 %), or 0.46 / sqrt(5) + 0.05 = 0.3 pp for 70 to 80 %"
WITHIN = "the printed point, and the 0.3 pp by which the printed digits and five trials' images are uncertain"
UNNUMBERED = "nothing is claimed but that the one is higher; any interval above zero says so"
THIRD = (
    "a third of the 0.9 pp by which tickets lead fresh weights at these levels of the reduced protocol (in "
    "`factorial`, five trials of root seed 0)"
)
STABLE = "the two points of error below which the source calls a network stable"
