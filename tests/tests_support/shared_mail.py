"""A dataset of texts, some without a class, that two people label and a third one looks at."""

from __future__ import annotations

from tests_support.office import Office
from tl_core.access.principal import MEMBER, Principal
from tl_core.access.sharing import Sharing
from tl_core.data.dataset_version import ImportOptions
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import AnswerStore
from tl_core.services.datasets import add_dataset
from tl_core.services.labelling import Labelling
from tl_core.settings import Settings


def mail_lines():
    """Twelve rows wait for a class; a copy has another one than its twin."""
    return [
        *(f"words of {number},{'good' if number % 2 else 'bad'}" for number in range(24)),
        *(f"nobody knows {number}," for number in range(12)),
        "words of 3,bad",
    ]


def written(path, lines):
    """A table of texts and labels."""
    path.write_text("\n".join(["text,label", *lines]) + "\n")
    return path


class SharedMail:
    """Ann's texts, and Bob, who may work on them."""

    def __init__(self, home, source):
        self.settings = Settings(home=str(home))
        self.engine, self.home = open_database(self.settings), home
        Office(self.engine, home).hire("ann", "bob", "cleo")
        self.ann = self.store("ann")
        add_dataset(self.ann, self.settings, str(source), "mail", ImportOptions())
        sharing = Sharing(self.engine, Principal("ann", role=MEMBER))
        sharing.share("project", "mail", "bob", "editor")
        sharing.share("project", "mail", "cleo", "viewer")

    def store(self, name):
        return DatasetStore(self.engine, Principal(name, role=MEMBER), self.home)

    def of(self, name, version=1):
        store = self.store(name)
        reference = f"{'' if name == 'ann' else 'ann/'}mail@{version}"
        return Labelling(AnswerStore(store), store.get(reference))

    @property
    def waiting(self):
        return self.of("ann").version.rows_of("unlabelled").tolist()
