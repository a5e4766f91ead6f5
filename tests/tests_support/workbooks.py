"""Workbooks with one sheet or several, and what is read out of them."""

from __future__ import annotations

import io
import re
import zipfile

import openpyxl

from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table

TEXTS = [f"message number {i} of many" for i in range(12)]
ROWS = [["text", "label"], *([text, "ab"[i % 2]] for i, text in enumerate(TEXTS))]


def book(path, rows=ROWS, merged=(), formats=None, sheets=None, hidden=(), swap=None):
    """A workbook with the rows in its first sheet; `swap` changes the XML of that sheet."""
    new = openpyxl.Workbook()
    new.active.title = "Sheet"
    for title, content in {"Sheet": rows, **(sheets or {})}.items():
        sheet = new[title] if title in new.sheetnames else new.create_sheet(title)
        for row in content:
            sheet.append(row)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
    for region in merged:
        new["Sheet"].merge_cells(region)
    for column, code in (formats or {}).items():
        for cell in new["Sheet"][column][1:]:
            cell.number_format = code
    if not swap:
        new.save(path)
        return path
    buffer = io.BytesIO()
    new.save(buffer)
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(path, "w") as changed:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                for before, after in swap:
                    content = re.sub(before, after, content)
            changed.writestr(name, content)
    return path


def read(path, **how):
    """The records, and the reading."""
    reading = Reading(**how)
    return [row for rows in read_table(path, reading) for row in rows.cells.to_pylist()], reading


def column(path, name="label", **how):
    return [row[name] for row in read(path, **how)[0]]
