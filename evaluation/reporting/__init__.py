"""Reports of measurements: TensorBoard logs, figures, tables and CSV files, without TensorFlow."""
