"""Readers of tables, one for each way to write them."""
