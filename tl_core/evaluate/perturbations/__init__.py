"""Worse versions of items: what they have in common, and each modality's own."""
