"""Where a backbone comes from: starters, folders, the Hub, word vectors."""
