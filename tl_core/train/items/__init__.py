"""What training asks of a modality, and the answers of photos and of texts."""
