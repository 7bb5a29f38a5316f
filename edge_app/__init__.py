"""edge_app of lotsight."""
