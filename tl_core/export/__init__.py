"""Taking a model away: a bundle that carries its own preprocessing, labels, threshold and golden
examples.
"""
