"""A model folder as a zip: used when it can be, refused in words when not, and never more than
weights and settings.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.database.engine import open_database
from tl_core.errors import BackboneError, DataError
from tl_core.helper.server import bring_model as brought
from tl_core.registry.models import ModelStore
from tl_core.services.datasets import bring_model
from tl_core.settings import read_settings


def zipped(folder, tmp_path, name="mine"):
    return Path(shutil.make_archive(str(tmp_path / "up" / name), "zip", folder.parent, folder.name))


def test_a_brought_model_is_kept_under_its_name_and_listed(tiny, tmp_path, home):
    folder = tmp_path / "bert"
    shutil.copytree(tiny("bert"), folder)
    (folder / "run.py").write_text("print('hello')")
    (folder / "weights.bin").write_bytes(b"x")
    settings = read_settings()
    references = [bring_model(settings, zipped(folder, tmp_path, "my model")) for _ in range(2)]
    assert references == ["local:my_model", "local:my_model-2"]
    kept = resolve_folder(parse_reference(references[0]), settings)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        path.name for path in kept.iterdir()
    }
    assert not list(kept.glob("*.py")) and not list(kept.glob("*.bin"))
    assert not list((settings.home_path / "staging").glob("*"))


def test_the_helper_describes_it_and_removes_the_upload(tiny, tmp_path, home):
    archive = zipped(tiny("resnet"), tmp_path)
    facts = brought(str(archive), "ana")
    assert facts["reference"] == facts["pinned"] == "local:mine"
    store = ModelStore(open_database(read_settings()), "ana", home)
    assert [model.name for model in store.list()] == ["mine"]
    assert facts["modality"] == "image"
    assert not archive.parent.exists()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("nothing", "no model folder"),
        ("several", "several models"),
        ("pickled", "safetensors"),
        ("outside", "outside itself"),
        ("broken", "cannot be read"),
    ],
)
def test_what_is_no_model_is_refused_and_leaves_nothing(tiny, tmp_path, home, fault, words):
    (tmp_path / "up").mkdir()
    archive = tmp_path / "up" / "x.zip"
    with zipfile.ZipFile(archive, "w") as handle:
        if fault == "nothing":
            handle.writestr("a.txt", "hello")
        if fault == "several":
            handle.writestr("a/config.json", "{}")
            handle.writestr("b/config.json", "{}")
        if fault == "pickled":
            handle.writestr("a/config.json", "{}")
            handle.writestr("a/pytorch_model.bin", "x")
        if fault == "outside":
            handle.writestr("../config.json", "{}")
    if fault == "broken":
        archive.write_bytes(b"PK nonsense")
    with pytest.raises((BackboneError, DataError), match=words):
        brought(str(archive), "ana")
    assert not list((read_settings().home_path / "models").glob("*"))
    assert not archive.exists()


def test_a_family_that_cannot_be_used_is_not_kept(tmp_path, home):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "dinov3_vit"}')
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2, np.float32)}, folder / "model.safetensors")
    with pytest.raises(BackboneError):
        brought(str(zipped(folder, tmp_path)), "ana")
    assert not list((read_settings().home_path / "models").glob("*"))
