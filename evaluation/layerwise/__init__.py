"""What each layer of a network does to a moving picture."""
