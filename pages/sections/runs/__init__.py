"""The list of runs: which are shown, what stands in a line, what can be done with them."""
