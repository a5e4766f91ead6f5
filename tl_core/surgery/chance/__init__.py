"""What a network does by chance while it is trained, and never afterwards."""
