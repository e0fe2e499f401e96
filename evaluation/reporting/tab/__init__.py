"""The page with the records of a log directory: TensorBoard's tab INVARIANCE, and `serve`."""
