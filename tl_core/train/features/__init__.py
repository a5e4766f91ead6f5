"""What a training takes its batches from: features, tokens and pixels, kept on disk."""
