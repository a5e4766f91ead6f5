"""Using a trained model on new inputs."""
