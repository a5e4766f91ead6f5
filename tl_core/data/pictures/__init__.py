"""Pictures on their way in, and those with more than 8 bits."""
