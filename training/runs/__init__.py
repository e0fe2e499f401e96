"""Runs on disk: what a training leaves, and how it is resumed and published."""
