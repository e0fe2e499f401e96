"""Intervals and tests over images; numbers in, numbers out."""
