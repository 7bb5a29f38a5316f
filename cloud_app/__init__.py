"""cloud_app of lotsight."""
