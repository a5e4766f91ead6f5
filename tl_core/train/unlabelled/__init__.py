"""Learning from rows without labels: continued pretraining, and pseudo-labels."""
