"""What the other packages share that is not about images or networks."""
