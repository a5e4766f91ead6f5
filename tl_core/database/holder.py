"""Whose project a row belongs to: what stands before the slash of `project`, in SQL that has an
index.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class holder_of(FunctionElement[str]):  # noqa: N801 - reads as a function of SQL
    """The id of the person before the slash of a project; an index knows it, which a search for
    rows that begin with a word does not have in every database.
    """

    type = String()
    inherit_cache = True
    name = "holder_of"

    def __init__(self, project: ColumnElement[str]) -> None:
        super().__init__(project)


@compiles(holder_of)
def _anywhere(element: holder_of, compiler: SQLCompiler, **kw: object) -> str:
    column = compiler.process(element.clauses, **kw)
    return f"substr({column}, 1, instr({column}, '/') - 1)"


@compiles(holder_of, "postgresql")
def _on_postgresql(element: holder_of, compiler: SQLCompiler, **kw: object) -> str:
    return f"split_part({compiler.process(element.clauses, **kw)}, '/', 1)"
