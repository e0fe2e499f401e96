"""What a network is, read off its graph in TensorFlow: nothing here runs it on data."""
