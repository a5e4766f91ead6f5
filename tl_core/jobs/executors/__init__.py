"""Executors: where the process of a run lives, on this machine or on others."""
