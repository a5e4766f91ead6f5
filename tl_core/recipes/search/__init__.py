"""The parts of an automatic search."""
