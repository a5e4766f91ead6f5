"""One browser and one studio serve all tests of this folder."""
