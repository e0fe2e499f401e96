"""Scores of the outputs of networks, and their summaries over strengths."""
