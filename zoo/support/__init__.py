"""Helpers for all packages that are not about images or networks."""
