"""The process that answers what a page needs at once."""
