"""Which backbone suits these data, before any of them is tuned: scores of frozen features."""
