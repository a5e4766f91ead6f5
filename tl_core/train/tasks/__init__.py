"""What training asks of a task, and the answers of each task."""
