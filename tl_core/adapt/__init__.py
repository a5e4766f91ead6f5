"""Another domain, on features of a frozen backbone: how far it is away, maps and weights that bring
it nearer, and choices without its labels. Arrays in, arrays out.
"""
