"""Measurements as TensorBoard logs."""
