"""Facts about rows, and findings: what is wrong or worth knowing, with its fixes."""
