"""Paired comparisons over trials, bootstrap intervals, power. Knows no study and no page."""
