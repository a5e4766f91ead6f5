"""What a person brings: recognised, fetched, unpacked, and the plan of its import."""
