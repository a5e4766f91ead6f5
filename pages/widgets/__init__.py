"""Parts that any page may draw: charts, pictures, layers, forms."""
