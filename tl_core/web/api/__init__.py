"""`/api/v1`: datasets, labelling, runs, reports and predictions for programs."""
