"""Where measurements go: TensorBoard, figures, tables and CSV files, all without TensorFlow."""
