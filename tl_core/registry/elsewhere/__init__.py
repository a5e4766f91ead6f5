"""Runs whose process another scheduler keeps, as their rows tell it."""
