"""Speed and memory as ratios, each taken in one run: `make bench`."""
