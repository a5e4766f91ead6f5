"""The command line: a contract that scripts rely on. Heavy imports wait until a command needs
them.
"""

from tl_core.cli.main import main

__all__ = ["main"]
