"""models of lotsight."""
