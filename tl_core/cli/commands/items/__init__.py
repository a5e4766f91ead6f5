"""Commands about the items of a dataset."""
