"""Poolings that a native classifier has not, as modules around its encoder."""
