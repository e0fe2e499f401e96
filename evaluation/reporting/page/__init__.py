"""The interactive page: its data, the module that draws it, and one file that holds it all."""
