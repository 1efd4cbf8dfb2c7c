"""How the claims are shown: their tables and their figure."""
