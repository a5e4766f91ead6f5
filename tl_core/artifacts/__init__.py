"""Artifacts in a bucket: folders by content, uploaded once, verified when they come back."""
