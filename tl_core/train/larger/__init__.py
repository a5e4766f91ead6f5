"""Networks larger than the memory: shared out, recomputed, kept elsewhere, or in few bits."""
