"""Work outside the pages: a queue, a dispatcher, worker processes, and a helper that answers at
once.
"""
