"""`/api/v1`: datasets, runs, reports and predictions for programs."""
