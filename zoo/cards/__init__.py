"""Cards: what an architecture is, what it can promise untrained, and what was measured."""
