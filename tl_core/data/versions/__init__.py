"""Immutable dataset versions: built, stored, split, changed, compared, exported."""
