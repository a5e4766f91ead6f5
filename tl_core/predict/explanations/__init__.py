"""What in an item speaks for an answer."""
