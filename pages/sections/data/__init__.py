"""Ways in for data, what was found in them, and their findings and labels."""
