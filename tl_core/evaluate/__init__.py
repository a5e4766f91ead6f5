"""Honest evaluation: scores, intervals and the report."""
