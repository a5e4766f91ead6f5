"""Looking through a version: filters on columns, costs of findings, what is known of an item."""
