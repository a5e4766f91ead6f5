"""Prediction of sounds."""
