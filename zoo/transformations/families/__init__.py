"""The families of transformations, a file for each kind."""
