"""Sources of datasets: prepared TFDS files, and the embedded digits."""
