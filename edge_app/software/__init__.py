"""The software of the box itself: two slots, a launcher, signed updates that are tried out."""
