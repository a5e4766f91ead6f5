"""Backbones: opened as the classifier that is saved, described, proved."""
