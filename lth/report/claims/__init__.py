"""The paper's claims: what they are, the rule that judges them, their tables and their figure."""
