"""Cards: what an architecture is, which symmetries it has untrained, and its scores."""
