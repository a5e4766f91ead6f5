"""Everything between settings and the first step."""
