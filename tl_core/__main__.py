"""`python -m tl_core`: the command line."""

import sys

from tl_core.cli import main

sys.exit(main())
