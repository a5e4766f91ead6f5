"""What several recipes do alike: splits, proofs, the report, several processes."""
