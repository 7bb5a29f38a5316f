"""Training of the lotsight network."""
