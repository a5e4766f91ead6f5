"""What the columns of a table hold: text, class, split, pixels."""
