"""Boxes run from afar: commands, jobs, settings."""
