"""datasets of lotsight."""
