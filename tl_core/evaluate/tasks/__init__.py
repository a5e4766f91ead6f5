"""What the evaluation asks of a task, and the answers of each task."""
