"""Code for a model's server: it runs, it names the model's own columns and classes, and the server
takes what it sends.
"""

from __future__ import annotations

import ast
import json
import shlex

import pytest

from tl_core.data.preparation import Preparation
from tl_core.predict.serving.client_code import SECRET, client_code
from tl_core.predict.serving.contract import Answers, Asked, texts_of

AWKWARD = ['it\'s "late"', "$5 *x*"]
JOINED = Preparation(("subject's", "body"))


def body_of(command):
    """The JSON that a curl command sends."""
    parts = shlex.split(command.replace("\\\n", ""))
    return json.loads(parts[parts.index("-d") + 1])


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("by_file", [False, True])
def test_python_code_is_python_and_names_the_first_class(by_file, closed):
    code = client_code("notes", Preparation(), AWKWARD, by_file=by_file, closed=closed)
    tree = ast.parse(code.python)
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert AWKWARD[0] in strings
    assert (f"Bearer {SECRET}" in strings) == closed
    assert (SECRET in code.serve) == (SECRET in code.curl) == (SECRET in code.javascript) == closed


def test_the_server_takes_a_text():
    code = client_code("notes", Preparation(("text",)), ["a"], by_file=False)
    assert texts_of(Asked(**body_of(code.curl)), Preparation(("text",))) == ["a text of yours"]


def test_a_model_that_joins_columns_is_sent_rows_of_them():
    code = client_code("notes", JOINED, ["a"], by_file=False)
    asked = Asked(**body_of(code.curl))
    assert asked.rows == [{"subject's": "your subject's", "body": "your body"}]
    assert texts_of(asked, JOINED) == ["your subject's\nyour body"]
    assert '"rows"' in code.python and '"rows"' in code.javascript


def test_pictures_go_as_files_and_rows_of_pixels_as_rows():
    files = client_code("bugs", Preparation(), ["ant"], by_file=True)
    assert "/predict/files" in files.curl and "files=@photo.jpg" in files.curl
    assert "FormData" in files.javascript
    pixels = Preparation(tuple(f"p{n}" for n in range(784)), (28, 28, 1))
    rows = client_code("digits", pixels, ["0"], by_file=True)
    assert body_of(rows.curl) == {"rows": [{"p0": 0, "p1": 0, "p2": 0}]}
    assert "and the other 781 columns" in rows.python


@pytest.mark.parametrize("count", [1, 2, 500])
def test_the_answer_has_the_form_that_the_server_gives(count):
    labels = [f"class {number}" for number in range(count)]
    code = client_code("notes", Preparation(), labels, by_file=False)
    (answer,) = Answers(**json.loads(code.answer)).answers
    assert answer.label == "class 0" and len(answer.probabilities) <= 4


def test_the_folder_is_one_word_of_the_command_line():
    code = client_code("my notes'", Preparation(), ["a"], by_file=False, port=9000)
    assert shlex.split(code.serve)[4:] == ["my notes'", "--port", "9000"]
    assert "localhost:9000" in code.curl
