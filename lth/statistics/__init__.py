"""Paired comparisons and contrasts over trials, their intervals, power. Knows no study and no page."""
