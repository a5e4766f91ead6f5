"""Labelling in the app: item by item, several at once, people who differ, and what labels bring."""
