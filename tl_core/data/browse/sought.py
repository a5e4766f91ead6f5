"""What similar items are looked for by: an item of the dataset, words, or a file that was brought.

It stands in the address of a page as one short text, so that a link shows the same.
"""

from __future__ import annotations

from dataclasses import dataclass

ROW, WORDS, FILE = "row", "words", "file"
LONGEST_WORDS = 500  # signs that fit into an address; a longer text is kept as a file


@dataclass(frozen=True)
class Sought:
    """An example, or words.

    Args:
        by: `row`, `words` or `file`.
        what: the number of the row, the words themselves, or the key under which the file is kept
            (`services.search_examples`).
    """

    by: str
    what: str

    @property
    def row(self) -> int:
        """The row that it is about; -1 for anything else."""
        return int(self.what) if self.by == ROW else -1

    def as_address(self) -> str:
        """As it stands in an address."""
        return f"{self.by}:{self.what}"


def sought_in(address: str) -> Sought | None:
    """What an address asks for; None where it asks for nothing that could be looked for."""
    by, _, what = address.partition(":")
    what = what.strip()
    if by == ROW and what.isdecimal() and len(what) <= len(str(2**53)):
        return Sought(ROW, str(int(what)))
    if by == WORDS and what:
        return Sought(WORDS, what[:LONGEST_WORDS])
    if by == FILE and what.isalnum() and what.isascii():
        return Sought(FILE, what)
    return None
