"""What adds to the loss of a fine-tuning, beside the labels."""
