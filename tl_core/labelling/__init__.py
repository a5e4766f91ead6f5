"""Which rows to label next, how far labels of several people agree, and an honest estimate beside:
arrays in, arrays out.
"""
