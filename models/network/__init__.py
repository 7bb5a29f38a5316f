"""Definition of the lotsight network: a YOLO trunk, a vehicle head and a bay head.

Importing this package needs no torch; `models.network.quads` is plain NumPy and is what the run time uses to
bring bay corners into the order the network was trained with.
"""
