"""calibration of lotsight."""
