"""Readers of the files of models, one for each format."""
