"""Parts of the live page: head, curves of other runs, layers, machine, and what is to be beaten."""
