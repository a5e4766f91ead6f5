"""The database: its tables, how it is opened, and the way from every earlier schema."""
