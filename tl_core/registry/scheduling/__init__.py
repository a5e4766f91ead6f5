"""Whose run is next, how long that takes, and when a run has had its time."""
