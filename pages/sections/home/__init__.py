"""Parts of the first page: samples, projects, what goes on, and the tour."""
