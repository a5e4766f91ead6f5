"""The training loop: batches, losses, schedules, checkpoints, and the Trainer that runs them."""
