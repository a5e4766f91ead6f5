"""The program of a bundle: copied as it is, it runs without this package."""
