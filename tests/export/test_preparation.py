"""What training did to a row is repeated by every way out: command, job, bundle, predict.py and
server say the same.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests_support.pages import carried_out, runs

from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.data.pictures.deep_pictures import colour_png
from tl_core.data.preparation import Preparation
from tl_core.export.bundle import export
from tl_core.export.facts import read_facts, requirements_of
from tl_core.export.standalone import inputs, predict
from tl_core.export.verify import verify
from tl_core.export.wishes import Wishes
from tl_core.models.classifier import load_classifier
from tl_core.predict.server import create_app
from tl_core.predict.service import Serving
from tl_core.progress import Progress

MAIL = [
    ("late again", "my order is late"),
    ("Grüße", "the film is good, größer and möglich"),
    ("", "bad money"),
    ("good", ""),
    ('he said "no"', "two\nlines, and a comma"),
    ("money back", "is my film 3 back"),
]
BROKEN = [
    ("bÃ©art", "the cafÃ© is good"),
    ("ham &amp; eggs", "my\u200border is bad"),
    ("plain", "good film"),
    ("VersicherungsschÃ¤den", "my money Ã¼ber"),
    ("a\x07b", "&lt;late&gt;"),
    ("schÃ¶n", "order"),
]
GREY, STRING, COLOUR = (28, 28, 1), (8, 8, 1), (8, 8, 3)


class Way:
    """A trained model with a preparation, as run and as bundle, and all ways to ask it."""

    def __init__(self, exported, root, family, kept):
        self.kept, self.root = kept, root
        self.folder = shutil.copytree(exported.run(family)[0], root / "run")
        kept.write(self.folder / "model")
        self.bundle = root / "bundle"
        export(self.folder, self.bundle, Wishes(), None, Progress())
        self.labels = load_classifier(self.bundle).labels

    def registered(self):
        """A run of this home with the model."""
        run = runs().create(RunConfig("train", "local", "mine@1", "", "local:x", "probe", {}))
        if not (run.folder / "model").exists():
            shutil.copytree(self.folder / "model", run.folder / "model")
        return run

    def read(self, path):
        with path.open(newline="", encoding="utf-8") as handle:
            lines = list(csv.DictReader(handle))
        assert not [line["error"] for line in lines if line["error"]]
        return np.array([[float(line[f"p:{name}"]) for name in self.labels] for line in lines])

    def commands(self, source, tmp_path):
        """What run, job and bundle say."""
        run, found = self.registered(), {}
        for name, model in (("run", run.id), ("bundle", self.bundle)):
            out = tmp_path / f"{name}.csv"
            assert (
                main(["predict", str(model), str(source), "-o", str(out), "--strict", "--json"])
                == 0
            )
            found[name] = self.read(out)
        job = carried_out(
            RunConfig("predict", "local", "mine@1", options={"run": run.id, "source": str(source)})
        )
        assert job.status == "done", job.reason
        assert job.summary["plan"]["columns"] and job.summary["plan"]["sample"]
        return {**found, "job": self.read(job.folder / job.summary["file"])}

    def predict_py(self, tmp_path, *sources):
        out = tmp_path / "script.csv"
        done = subprocess.run(
            [sys.executable, self.bundle / "predict.py", *sources, "-o", out],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin", "HF_HUB_OFFLINE": "1"},
        )
        assert done.returncode == 0, done.stderr
        return self.read(out)

    def served(self, **asked):
        """Probabilities, or the refusal."""
        with TestClient(create_app(Serving(str(self.bundle)))) as client:
            reply = client.post("/predict/files" if "files" in asked else "/predict", **asked)
            if reply.status_code != 200:
                return reply.status_code, reply.json()["detail"]
            return np.array(
                [
                    [one["probabilities"][name] for name in self.labels]
                    for one in reply.json()["answers"]
                ]
            )

    def expected(self, items):
        return load_classifier(self.folder / "model").probabilities(items)


@pytest.fixture(scope="module")
def ways(exported, tmp_path_factory):
    """`ways(name, family, preparation)`: made once each."""
    made = {}

    def make(name, family, kept):
        if name not in made:
            made[name] = Way(exported, tmp_path_factory.mktemp(name), family, kept)
        return made[name]

    return make


@pytest.fixture
def joined(ways):
    return ways("joined", "bert", Preparation(columns=("title", "body")))


def write_table(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writerows([header, *rows])
    return path


def close(found, wanted):
    for name, said in found.items():
        np.testing.assert_allclose(said, wanted, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(
    "kind", ["csv", "other order", "extra columns", "tsv", "semicolons", "jsonl", "xlsx"]
)
def test_title_and_body_are_joined_by_every_way(joined, tmp_path, kind):
    wanted = joined.expected([f"{title}\n{body}".strip() for title, body in MAIL])
    path = tmp_path / "in.csv"
    if kind in ("csv", "tsv"):
        path = write_table(tmp_path / f"in.{kind}", ["title", "body"], MAIL)
    elif kind == "other order":
        write_table(path, ["body", "title"], [pair[::-1] for pair in MAIL])
    elif kind == "extra columns":
        write_table(
            path,
            ["id", "title", "text", "body", "label"],
            [(7, t, "never", b, "x") for t, b in MAIL],
        )
    elif kind == "semicolons":
        path.write_text("title;body\n" + "\n".join(f"{t};{b}" for t, b in MAIL[:4]) + "\n")
        wanted = wanted[:4]
    elif kind == "jsonl":
        path = tmp_path / "in.jsonl"
        path.write_text(
            "\n".join(json.dumps({"body": body, "n": 1, "title": title}) for title, body in MAIL)
        )
    else:
        import openpyxl

        book, path = openpyxl.Workbook(), tmp_path / "in.xlsx"
        for line in [("title", "body"), *MAIL]:
            book.active.append(line)
        book.save(path)
    found = joined.commands(path, tmp_path)
    if path.suffix in (".csv", ".tsv"):
        found["predict.py"] = joined.predict_py(tmp_path, path)
    found["server"] = joined.served(
        json={
            "rows": [
                {"title": title, "body": body, "note": [1]} for title, body in MAIL[: len(wanted)]
            ]
        }
    )
    close(found, wanted)


def test_wrongly_decoded_texts_are_repaired_by_every_way(ways, tmp_path):
    way = ways("repair", "bert", Preparation(columns=("title", "body"), repair=True))
    path = write_table(tmp_path / "in.csv", ["title", "body"], BROKEN)
    right = [
        "béart\nthe café is good",
        "ham & eggs\nmyorder is bad",
        "plain\ngood film",
        "Versicherungsschäden\nmy money über",
        "ab\n<late>",
        "schön\norder",
    ]
    found = {
        **way.commands(path, tmp_path),
        "predict.py": way.predict_py(tmp_path, path),
        "server": way.served(
            json={"rows": [{"title": title, "body": body} for title, body in BROKEN]}
        ),
    }
    close(found, way.expected(right))
    assert np.abs(way.expected([f"{t}\n{b}" for t, b in BROKEN]) - way.expected(right)).max() > 1e-4
    assert any(
        line.startswith("ftfy==")
        for line in (way.bundle / "requirements.txt").read_text().splitlines()
    )


def test_a_repair_of_one_column_holds_for_plain_texts_too(ways, tmp_path):
    way = ways("plain", "bert", Preparation(columns=("message",), repair=True))
    path = write_table(tmp_path / "in.csv", ["id", "message"], [(1, body) for _, body in BROKEN])
    texts = ["the café is good", "myorder is bad", "good film", "my money über", "<late>", "order"]
    found = {
        **way.commands(path, tmp_path),
        "predict.py": way.predict_py(tmp_path, path),
        "as words": way.predict_py(tmp_path, *[body for _, body in BROKEN]),
        "texts": way.served(json={"texts": [body for _, body in BROKEN]}),
        "rows": way.served(json={"rows": [{"message": body} for _, body in BROKEN]}),
    }
    close(found, way.expected(texts))


@pytest.mark.parametrize(
    "shape", [GREY, STRING, COLOUR, (4, 4, 3)], ids=["grey", "string", "colour", "fractions"]
)
def test_rows_of_pixels_are_pictures_for_every_way(ways, tmp_path, shape):
    width, height, channels = shape
    count = width * height * channels
    columns = ("pixels",) if shape == STRING else tuple(f"pixel{place}" for place in range(count))
    way = ways(f"pixels{count}", "resnet", Preparation(columns=columns, pixels=shape))
    values = np.random.default_rng(1).integers(0, 256, (5, height, width, channels))
    cells = [one.ravel().tolist() for one in values]
    if shape == (4, 4, 3):
        cells = [[cell / 255 for cell in one] for one in cells]
    rows = [
        (f"id{n}", " ".join(map(str, one))) if shape == STRING else (f"id{n}", *one)
        for n, one in enumerate(cells)
    ]
    path = write_table(tmp_path / "in.csv", ["id", *columns], rows)
    pictures = [
        Image.fromarray(one.astype(np.uint8).squeeze() if channels == 1 else one.astype(np.uint8))
        for one in values
    ]
    wanted = way.expected([picture.convert("RGB") for picture in pictures])
    found = {
        **way.commands(path, tmp_path),
        "predict.py": way.predict_py(tmp_path, path),
        "server": way.served(
            json={"rows": [dict(zip(columns, row[1:], strict=True)) for row in rows]}
        ),
    }
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    files = [tmp_path / f"{number}.png" for number in range(5)]
    found["files"] = way.served(files=[("files", (file.name, file.read_bytes())) for file in files])
    found["files of predict.py"] = way.predict_py(tmp_path, *files)
    close(found, wanted)
    with (tmp_path / "run.csv").open() as handle:
        assert next(csv.reader(handle))[-2:] == ["error", "id"]  # pixels do not come back
    assert way.served(json={"texts": ["a"]})[0] == 422
    assert "Row 1" in way.served(json={"rows": [dict.fromkeys(columns, 300)]})[1]


def scaled(values, low, high):
    grey = ((values - low) / (high - low) * 255).clip(0, 255).round().astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def write_deep(folder, kind):
    """Pictures in a folder that also holds a note, and what the network should see of them."""
    random, shown = np.random.default_rng(2), []
    folder.mkdir()
    (folder / "notes.txt").write_text("not a picture")
    for number in range(4):
        if kind == "twelve bits":  # the first would be one of 8 bits if it were judged alone
            values = random.integers(0, 200 if number == 0 else 4096, (20, 24)).astype(np.uint16)
            Image.fromarray(values).save(folder / f"{number}.png")
            shown.append(scaled(values.astype(float), 0, 4095))
        elif kind == "deep colours":
            values = random.integers(0, 4096, (20, 24, 3)).astype(np.uint16)
            (folder / f"{number}.png").write_bytes(colour_png(values))
            grey = ((values.astype(float)) / 4095 * 255).round().astype(np.uint8)
            shown.append(Image.fromarray(grey))
        elif kind == "floats":
            values = random.normal(0, 0.1 if number == 0 else 1, (20, 24)).astype(np.float32)
            Image.fromarray(values).save(folder / f"{number}.tif")
            shown.append(scaled(values.astype(float), -2, 3))
        else:
            pages = [
                random.integers(0, 256, (16, 20, 3)).astype(np.uint8) for _ in range(number + 1)
            ]
            first, *rest = [Image.fromarray(page) for page in pages]
            first.save(folder / f"{number}.tif", save_all=True, append_images=rest)
            shown += [
                Image.fromarray(page) for page in (pages if kind == "all pages" else pages[:1])
            ]
    return shown


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        ("twelve bits", Preparation(scale=(0.0, 4095.0))),
        ("deep colours", Preparation(scale=(0.0, 4095.0))),
        ("floats", Preparation(scale=(-2.0, 3.0))),
        ("all pages", Preparation(page="all")),
        ("first pages", Preparation()),
    ],
)
def test_depth_and_pages_are_those_of_the_training_for_every_way(ways, tmp_path, kind, kept):
    way, folder = ways(kind.replace(" ", ""), "resnet", kept), tmp_path / "pictures"
    wanted = way.expected(write_deep(folder, kind))
    files = sorted(path for path in folder.iterdir() if path.suffix != ".txt")
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    found = {
        **way.commands(folder, tmp_path),
        "predict.py": way.predict_py(tmp_path, folder),
        "zip": way.commands(tmp_path / "p.zip", tmp_path)["bundle"],
        "server": way.served(files=[("files", (path.name, path.read_bytes())) for path in files]),
    }
    close(found, wanted)
    if kind == "all pages":
        with (tmp_path / "run.csv").open() as handle:
            names = [line["file"] for line in csv.DictReader(handle)]
        assert names[:4] == ["0.tif", "1.tif#1", "1.tif#2", "2.tif#1"]


def test_bundles_carry_it_and_are_proven_with_it(joined, exported):
    facts = read_facts(joined.bundle)
    assert (
        facts["preparation"] == joined.kept.as_dict()
        and Preparation.read(joined.bundle) == joined.kept
    )
    assert "`title` and `body`" in (joined.bundle / "README.md").read_text()
    assert (joined.bundle / "preparation.py").is_file() and not any(
        "ftfy" in line for line in requirements_of(facts)
    )
    old = exported.run("bert")[0]  # a run from before models carried it: its dataset says it
    assert not (old / "model" / "preparation.json").exists()
    assert Preparation.read(exported.bundle("bert")[0]) == Preparation(columns=("text",))


def test_a_changed_preparation_is_found_out(joined, tmp_path):
    folder = shutil.copytree(joined.bundle, tmp_path / "b")
    Preparation(columns=("body",)).write(folder)
    assert [check["name"] for check in verify(folder)["checks"] if not check["ok"]] == [
        "file preparation.json"
    ]


def test_a_bundle_from_before_answers_as_it_did(joined, tmp_path):
    folder = shutil.copytree(joined.bundle, tmp_path / "b")
    for name in ("preparation.json", "preparation.py", "manifest.json"):
        (folder / name).unlink()
    write_table(tmp_path / "in.csv", ["text", "n"], [("good film", 1), ("bad order", 2)])
    assert (
        main(["predict", str(folder), str(tmp_path / "in.csv"), "-o", str(tmp_path / "out.csv")])
        == 0
    )
    with TestClient(create_app(Serving(str(folder)))) as client:
        assert client.get("/ready").json()["columns"] == []
        assert client.post("/predict", json={"texts": ["good film"]}).status_code == 200
        assert (
            client.post("/predict", json={"rows": [{"anything": "good film"}]}).status_code == 200
        )
        assert (
            client.post("/predict", json={"rows": [{"a": "good", "b": "film"}]}).status_code == 422
        )


def test_predict_py_refuses_in_words_what_it_was_not_trained_on(joined, ways, tmp_path):
    path = str(write_table(tmp_path / "in.csv", ["subject", "body"], MAIL[:3]))
    done = subprocess.run(
        [sys.executable, joined.bundle / "predict.py", path], text=True, capture_output=True
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "no column 'title'" in done.stderr and "subject, body" in done.stderr
    model, plain = (
        predict.Model(joined.bundle),
        ways("plain", "bert", Preparation(("message",), repair=True)),
    )
    for words, column, said in (
        ("a text alone", "", "'title' and 'body'"),
        (path, "body", "--column"),
    ):
        with pytest.raises(ValueError, match=said):
            inputs.read([words], column, model)
    with pytest.raises(ValueError, match="text alone"):
        model.answers(["a text alone"])
    with pytest.raises(ValueError, match="no column 'title'"):
        model.answers([{"body": "x"}])
    single = predict.Model(plain.bundle)
    with pytest.raises(ValueError, match=r"'message'.*--column"):
        inputs.read([path], "", single)
    assert [item for _, item in inputs.read([path], "body", single)] == [
        {"message": body} for _, body in MAIL[:3]
    ]
    latin = tmp_path / "latin.csv"
    latin.write_bytes("message\nGr\u00fc\u00dfe\n".encode("latin-1"))
    with pytest.raises(ValueError, match="UTF-8"):
        inputs.read([str(latin)], "", single)


def test_predict_py_reads_the_tables_that_tools_write(joined, tmp_path):
    model = predict.Model(joined.bundle)

    def rows(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return [
            item if isinstance(item, dict) else str(item)
            for _, item in inputs.read([str(tmp_path / name)], "", model)
        ]

    assert rows("quotes.tsv", 'title\tbody\n"hello\tA "good" film\nb"ye\t"B\n') == [
        {"title": '"hello', "body": 'A "good" film'},
        {"title": 'b"ye', "body": '"B'},
    ]
    assert rows("quoted.tsv", 'title\tbody\n"two\nlines"\tB\n') == [
        {"title": "two\nlines", "body": "B"}
    ]
    assert rows("blanks.csv", "\ufeff title , body\na,b\n") == [{"title": "a", "body": "b"}]
    assert rows("short.csv", "title,body\na\na,b\n,\na,b,c\n") == [
        "The row is damaged: it does not fit the header.",
        {"title": "a", "body": "b"},
        "The text is empty.",
        "The row is damaged: it does not fit the header.",
    ]


def test_the_server_says_what_it_needs_and_refuses_less(joined):
    with TestClient(create_app(Serving(str(joined.bundle)))) as client:
        assert client.get("/ready").json() == {
            "status": "ready",
            "labels": joined.labels,
            "columns": ["title", "body"],
            "pixels": [],
        }
        told = client.get("/openapi.json").json()
        assert told["components"]["schemas"]["Asked"]["properties"]["rows"]["items"][
            "required"
        ] == ["title", "body"]
        assert told["info"]["x-model"] == {"columns": ["title", "body"], "pixels": []}
        for body, word in (
            ({"texts": ["a"]}, "'title' and 'body'"),
            ({"rows": [{"body": "x"}]}, "'title'"),
            ({"rows": [{"title": "a", "body": "b"}], "texts": ["a"]}, "either texts or rows"),
            ({"rows": [{"title": ["a"], "body": "b"}]}, "neither a text nor a number"),
            ({"rows": [{"title": " ", "body": None}]}, "Row 1 has no text"),
            ({}, "texts or rows"),
        ):
            reply = client.post("/predict", json=body)
            assert reply.status_code == 422 and word in reply.json()["detail"], reply.json()
