"""What is measured of the outputs of networks, and how it is summed up."""
