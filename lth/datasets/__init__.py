"""Data sets: which there are, how they are fetched and read, and a recipe's images."""
