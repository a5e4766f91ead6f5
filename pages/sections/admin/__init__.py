"""Parts of the pages about the studio itself."""
