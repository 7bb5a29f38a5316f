"""Training, export, quantisation and promotion of the lotsight network; never in the wheel."""
