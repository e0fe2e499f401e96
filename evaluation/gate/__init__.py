"""The gate: requirements of models, judged by intervals over the images that were measured."""
