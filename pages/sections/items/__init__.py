"""Items of a modality: how they are shown, asked for, explained."""
