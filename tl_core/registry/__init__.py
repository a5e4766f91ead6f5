"""What exists and who owns it: datasets and runs in one small database."""
