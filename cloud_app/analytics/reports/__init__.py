"""Reports on the kept past: figures, and how much of the time they rest on."""
