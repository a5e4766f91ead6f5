"""What the registry says of folders in the store: which live, who uploads, what may go."""
