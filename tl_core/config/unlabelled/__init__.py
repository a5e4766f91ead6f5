"""Settings of the recipes that learn from rows without a class."""
