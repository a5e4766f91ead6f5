"""Texts that are to be predicted: the rows of a table, or files that are one text each."""

from __future__ import annotations

from pathlib import Path

from tl_core.data.preparation import Preparation
from tl_core.data.sources.names import readable
from tl_core.data.tables.reading import SUFFIXES
from tl_core.errors import DataError
from tl_core.predict import table_rows
from tl_core.predict.one_item import Inputs, ModelInput
from tl_core.predict.sources import Source, records_left_out
from tl_core.predict.texts import documents

_LONGEST = 1000  # letters of a text in the plan's sample


def text_inputs(source: Source, kept: Preparation | None) -> Inputs:
    """A table of texts, or a folder of files that are one text each.

    Raises:
        DataError: when there is nothing for the model, more than one table, a column that it needs
            is missing, or a table cannot be read to its end.
    """
    whole = kept is not None and not kept.columns  # it was trained on files
    files = source.files()
    candidates = [
        path for path in files if path.suffix.lower() in SUFFIXES and not path.is_symlink()
    ]
    if source.root.is_dir():
        candidates = [path for path in candidates if not documents.is_note(path)] or candidates
        texts = [
            path
            for path in files
            if path.suffix.lower() in documents.SUFFIXES and not documents.is_note(path)
        ]
        if not [path for path in candidates if path not in texts] and (
            len(texts) > 1 or (texts and whole)
        ):
            return _documents(texts, source, kept or Preparation())
    table = source.only_table(candidates, "a table of texts (CSV, XLSX, JSONL or Parquet)")
    if whole and table.path.suffix.lower() == ".txt":
        source.plan.doubt(
            f"Each line of {readable(table.path.name)!r} is read as a text, although the model was"
            " trained on whole files; a folder of files is read file by file."
        )
    chosen = table_rows.choose_text(table, kept, source.choice, source.plan)
    return Inputs(
        "row",
        table.total,
        lambda: table_rows.text_windows(table.path, chosen),
        chosen,
        _shown,
        records_left_out(table),
    )


def _documents(files: list[Path], source: Source, kept: Preparation) -> Inputs:
    if kept.joined or source.choice.text_column or source.choice.title_column:
        raise DataError(
            "Files of text have no columns.",
            "The model was trained on "
            + (" and ".join(map(repr, kept.columns)) or "whole files")
            + ".",
            (
                "Bring a table with these columns."
                if kept.joined
                else "Leave --text-column and --title-column out."
            ),
        )
    source.plan.take("files", "text", "each file is one text")
    return Inputs(
        "file",
        len(files),
        lambda: documents.document_windows(files, source.root, kept),
        kept,
        _shown,
    )


def _shown(text: ModelInput) -> dict[str, str]:
    return {"text": str(text)[:_LONGEST]}
