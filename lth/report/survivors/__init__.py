"""Which weights survive, and where they started."""
