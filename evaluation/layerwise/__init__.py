"""Measurements of how each layer of a network answers to a moving image."""
