"""The subcommands of `python -m evaluation`: flags and calls."""
