"""Training parts shared by recipes: features, precision, the linear probe, seeds."""
