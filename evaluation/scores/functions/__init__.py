"""The functions of scores: from arrays to values per image, to averages, and to summaries."""
