"""Answers of a bundle over HTTP."""
