"""What a served model was asked, compared with what it was trained on; two models on the same
items.
"""
