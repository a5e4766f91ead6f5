"""Versions as a training sees them: with labels and splits of their own, or two of them as one."""
