"""The 2020 report that saw nothing: its figures, and what explains them."""
