"""The command line against a server, by /api/v1."""
