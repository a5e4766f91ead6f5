"""What a single cell means: a class, a split, a date."""
