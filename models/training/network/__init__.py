"""Definition of the lotsight network: a YOLO trunk, a vehicle head and a bay head (needs torch).

Bay corners enter in the canonical order of `vision.quads`, whatever way the installer clicked them.
Where a quad stands on its tip, two corners compete for first place and a hair's movement swaps
them; training therefore also shows bays with their corners shifted and flipped
(`AugmentConfig.shuffle_corners_share`).
"""
