"""Large work in numbered pieces, done by processes on the machines of a cluster as Ray Data hands
them out.
"""
