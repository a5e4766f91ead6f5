"""Prediction of texts."""
