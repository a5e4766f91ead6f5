"""Commands for people who label: on one queue, by hand or by a file."""
