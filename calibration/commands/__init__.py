"""The commands of `lotsight calibration`, by kind; `calibration.cli` joins them."""
