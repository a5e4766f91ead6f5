"""Getting people's data in: sources, checks, splits and immutable versions."""
