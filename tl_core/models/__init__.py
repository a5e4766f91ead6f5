"""Backbones: finding them, opening them up, and folding a classifier into them."""
