"""What is done to a network: new heads and poolings, what of it moves, how fast."""
