"""The engine of Graft Studio: model surgery, training and honest evaluation, free of any page."""

__version__ = "0.1.0"
