"""Backbones to choose from, and ways to train."""
