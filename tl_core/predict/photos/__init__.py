"""Prediction of pictures."""
