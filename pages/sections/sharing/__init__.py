"""Who else may see a project or a run: shared, handed over, shown by a link."""
