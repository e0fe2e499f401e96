"""What watches a training, epoch by epoch."""
