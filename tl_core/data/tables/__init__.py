"""Tables and texts as chunks of rows of strings, whatever they are written in."""
