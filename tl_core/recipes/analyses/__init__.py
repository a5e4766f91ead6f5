"""Questions about data and models that take longer than a click."""
