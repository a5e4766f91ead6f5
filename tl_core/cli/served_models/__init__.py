"""Serving models, and what was noted of those that were served."""
