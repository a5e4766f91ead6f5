"""Parts of a run that other machines of its cluster do, by whatever spreads them there."""
