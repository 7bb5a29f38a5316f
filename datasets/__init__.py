"""Labelled lots: readers, evaluation, checks. Of a source checkout only; never in the wheel."""
