"""What the files of a source are to each other: folders, lists, tables beside pictures, tables of
one set.
"""
