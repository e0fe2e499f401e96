"""Runs on disk: how they are saved, resumed and published."""
