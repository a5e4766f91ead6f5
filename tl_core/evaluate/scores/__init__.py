"""Scores of answers, with their intervals."""
