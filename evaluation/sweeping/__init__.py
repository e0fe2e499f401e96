"""Sweeps: running networks over transformed images, and storing their outputs."""
