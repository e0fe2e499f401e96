"""What networks answer: which outputs there are, what they mean, and how they are read."""
