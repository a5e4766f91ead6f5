"""Who somebody is, and what they may do: people, sign-in, tokens, sharing, the log of activity."""
