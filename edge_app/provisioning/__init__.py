"""How a box gets its key, certificate and home, and the next certificate in time."""
