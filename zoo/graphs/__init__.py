"""What can be read from the TensorFlow graph of a network, without running it on data."""
