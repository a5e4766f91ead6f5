"""Fast adaptation: learning from many small tasks how to learn the next one from a few labels."""
