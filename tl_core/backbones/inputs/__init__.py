"""What backbones read: one class for each modality, behind one protocol."""
