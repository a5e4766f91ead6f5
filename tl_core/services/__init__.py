"""What pages and commands do alike."""
