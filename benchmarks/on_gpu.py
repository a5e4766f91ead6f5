"""What one CUDA GPU makes of it: `python benchmarks/on_gpu.py [OUT]`, under eight minutes, nothing
to download.

Trains random networks of the size of BERT-base and ViT-B on made-up items: throughput of the
training loop with the figures of NVML and the share of the hardware's measured bf16 rate, a batch
that does not fit and is taken in parts, extraction and prediction rates, a training that is
interrupted and resumed, two runs side by side; peak memory and rate with blocks computed again,
with their inputs in the machine's memory, with FSDP in one process, with QLoRA, beside the memory
that the estimate before a run says. Writes results/on_gpu.json with the device, or OUT.
Without a GPU everything is tiny: that shows that the script works, and its figures are worth
nothing.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from common import RESULTS, machine, open_data
from PIL import Image

from tl_core.config import RunConfig
from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.jobs.monitor import read_gpus
from tl_core.log import quiet_libraries
from tl_core.predict.predictor import Predictor
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.estimate import measure

CUDA = torch.cuda.is_available()
WIDTH, BLOCKS, WORDS, SIZE, PATCH = (768, 12, 120, 224, 16) if CUDA else (32, 2, 12, 32, 16)
TEXTS, PICTURES, HUGE = (4000, 1500, 4096) if CUDA else (240, 60, 64)
CLASSES = ("amber", "birch", "cedar", "delta")
_VOCABULARY = [
    f"{first}{second}" for first in "bcdfghklmnprst" for second in ("a", "e", "i", "o", "u")
]


class Watch(Progress):
    """Times the training stage; ends the process at a step if asked to; hears in how many parts a
    batch is taken.
    """

    def __init__(self, until: int = 0) -> None:
        self.until, self.started, self.ended, self.training = until, 0.0, 0.0, False
        self.steps: list[int] = []
        self.said: list[str] = []

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        del total, share
        self.training = name == "Training"
        self.started = time.perf_counter() if self.training else self.started

    def batch(self, done: int, total: int) -> None:
        del total
        if self.training:
            self.steps.append(done)
            self.ended = time.perf_counter()
            if self.until and done >= self.until:
                raise KeyboardInterrupt

    def log(self, text: str) -> None:
        self.said.append(text)


class Nvml(threading.Thread):
    """Use, memory and power of the GPU, twice a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.readings: list[dict[str, object]] = []
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.5):
            self.readings += read_gpus()[:1]

    def stop(self) -> dict[str, float]:
        """Means and highest values; empty without a GPU."""
        self._end.set()
        self.join()
        return {
            f"{name}_{kind}": round(float(how([one[name] for one in self.readings])), 1)
            for name in ("use", "memory_used", "power")
            for kind, how in (("mean", np.mean), ("most", np.max))
            if self.readings and all(one[name] is not None for one in self.readings)
        }


def write_networks(root: Path) -> tuple[Path, Path]:
    """A BERT and a ViT with random weights, as model folders."""
    import transformers as t

    torch.manual_seed(0)
    words, pictures = root / "bert", root / "vit"
    words.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CLASSES, *_VOCABULARY]
    (words / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    t.BertTokenizerFast(str(words / "vocab.txt"), model_max_length=512).save_pretrained(words)
    inside = {
        "hidden_size": WIDTH,
        "num_hidden_layers": BLOCKS,
        "num_attention_heads": max(2, WIDTH // 64),
        "intermediate_size": 4 * WIDTH,
    }
    t.BertModel(t.BertConfig(vocab_size=len(vocabulary), **inside)).save_pretrained(words)
    t.ViTModel(t.ViTConfig(image_size=SIZE, patch_size=PATCH, **inside)).save_pretrained(pictures)
    t.ViTImageProcessor(size={"height": SIZE, "width": SIZE}).save_pretrained(pictures)
    return words, pictures


def write_items(root: Path) -> tuple[DatasetVersion, DatasetVersion]:
    """Texts in which one word gives the class away, and pictures whose colour does."""
    random = np.random.default_rng(0)
    with (root / "texts.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for number in range(TEXTS):
            said = random.choice(_VOCABULARY, WORDS).tolist()
            said[int(random.integers(WORDS))] = CLASSES[number % 4]
            writer.writerow([" ".join(said), CLASSES[number % 4]])
    for number in range(PICTURES):
        folder = root / "photos" / CLASSES[number % 4]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 160, (SIZE, SIZE, 3), dtype=np.uint8)
        pixels[..., number % 3] += 90 if number % 4 < 3 else 0
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    return open_data(root / "texts.csv", root / "text-version"), open_data(
        root / "photos", root / "photo-version"
    )


def train(
    version: DatasetVersion,
    network: Path,
    root: Path,
    watch: Watch,
    folder: str = "",
    recipe: str = "finetune",
    **options: object,
) -> tuple[dict[str, object], Path]:
    """A run of this project; its report and folder."""
    place = root / folder if folder else Path(tempfile.mkdtemp(dir=root))
    place.mkdir(exist_ok=True)
    given = {"strategy": "full", "patience": 0, "epochs": 1.0} if recipe == "finetune" else {}
    limit = (
        {"max_length": 512}
        if version.info.modality == "text"
        else {"augment": "light"}
        if given
        else {}
    )
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{network}",
        recipe,
        {"baseline": False, **given, **limit, **options},
    )
    return run_recipe(config, version, place, root / "cache", watch), place


def matrix_rate() -> float:
    """Operations a second of a large bf16 matrix product."""
    side = 8192 if CUDA else 512
    one = torch.randn(side, side, dtype=torch.bfloat16, device="cuda" if CUDA else "cpu")
    for rounds in (3, 20):
        _wait()
        started = time.perf_counter()
        for _ in range(rounds):
            one @ one
        _wait()
    return 20 * 2 * side**3 / (time.perf_counter() - started)


def _wait() -> None:
    if CUDA:
        torch.cuda.synchronize()


def throughput(
    version: DatasetVersion, network: Path, root: Path, tokens: int
) -> dict[str, object]:
    """Items a second of a full fine-tuning, NVML beside it, and the share of the hardware's rate
    that is reached.
    """
    watch, nvml = Watch(), Nvml()
    nvml.start()
    report, place = train(version, network, root, watch)
    gpu = nvml.stop()
    seconds = watch.ended - watch.started
    rate = len(version.rows_of("train")) / seconds
    operations = (
        6 * BLOCKS * 12 * WIDTH**2 * tokens + 12 * BLOCKS * WIDTH * tokens**2
    )  # weights, and attention
    peak = matrix_rate()
    shutil.rmtree(place)
    return {
        "items_per_second": round(rate, 1),
        "precision": report["settings"]["precision"],
        "gpu": gpu,
        "share_of_bf16_rate": round(operations * rate / peak, 3),
        "bf16_tflops": round(peak / 1e12, 1),
    }


def too_large(version: DatasetVersion, network: Path, root: Path) -> dict[str, object]:
    """A batch that does not fit is taken in parts, with an ordinary result."""
    watch = Watch()
    report, _ = train(version, network, root, watch, batch_size=HUGE)
    return {
        "batch": HUGE,
        "parts": report["settings"]["accumulate"],
        "steps": report["training"]["steps"],
        "said": [line for line in watch.said if "memory" in line.lower()],
    }


def reading(version: DatasetVersion, network: Path, root: Path) -> dict[str, object]:
    """Items a second of feature extraction for a probe, and of predictions with the result."""
    report, place = train(version, network, root, Watch(), recipe="probe")
    items = (
        version.table.column("text").to_pylist()
        if version.info.modality == "text"
        else [partial(open_image, version.image_bytes(row)) for row in range(version.info.rows)]
    )
    with Predictor(place / "model") as predictor:
        predictor.probabilities(items[:64])
        started = time.perf_counter()
        predictor.probabilities(items)
        seconds = time.perf_counter() - started
    return {
        "features_per_second": round(version.info.rows / report["timing"]["features"], 1),
        "predictions_per_second": round(len(items) / seconds, 1),
    }


def resumed(version: DatasetVersion, network: Path, root: Path) -> dict[str, object]:
    """A training that ends in the middle goes on from its checkpoint."""
    steps = -(-len(version.rows_of("train")) // 32)
    watch = Watch(until=max(2, steps // 2))
    try:
        train(version, network, root, watch, "resumed", checkpoint_steps=1 if not CUDA else 10)
    except KeyboardInterrupt:
        pass
    again = Watch()
    report, _ = train(
        version, network, root, again, "resumed", checkpoint_steps=1 if not CUDA else 10
    )
    return {
        "ended_at": watch.steps[-1],
        "went_on_at": again.steps[0],
        "steps": report["training"]["steps"],
    }


def larger(version: DatasetVersion, network: Path, root: Path) -> dict[str, object]:
    """Items a second and peak memory with settings for networks that are larger than the memory.

    FSDP has a process of its own, whose peak is that of its card as NVML sees it.
    """
    ways: dict[str, dict[str, object]] = {
        "as it is": {},
        "recompute": {"activations": "recompute"},
        "offload": {"activations": "offload"},
        "fsdp with one process": {"sharing": "fsdp"},
        "lora": {"lora": True},
    }
    if importlib.util.find_spec("bitsandbytes") is not None:
        ways["qlora"] = {"lora": True, "quantise": "4bit"}
        ways["8-bit optimiser"] = {"optimizer": "adamw-8bit"}
    found: dict[str, object] = {}
    for name, options in ways.items():
        if CUDA:
            torch.cuda.reset_peak_memory_stats()
        watch, nvml = Watch(), Nvml()
        nvml.start()
        report, place = train(version, network, root, watch, **options)
        gpu = nvml.stop()
        peak = torch.cuda.max_memory_allocated() / 2**20 if CUDA else 0.0
        seconds = max(watch.ended - watch.started, 1e-9)
        found[name] = {
            "items_per_second": round(len(version.rows_of("train")) / seconds, 1),
            "peak_allocated_mib": round(peak, 1),
            "memory_used_most": gpu.get("memory_used_most", 0.0),
            "steps": report["training"]["steps"],
        }
        shutil.rmtree(place)
    return {**found, "bitsandbytes": "qlora" in ways}


def foretold(version: DatasetVersion, network: Path, root: Path) -> dict[str, object]:
    """What the estimate before a run says of the memory, in MiB."""
    options = {"strategy": "full", "baseline": False}
    reference = f"local:{network}"
    about = ("preflight", "local", "d@1", str(version.folder), reference, "finetune", options)
    place = Path(tempfile.mkdtemp(dir=root))
    found = measure(RunConfig(*about), version, place, root / "cache", Progress())
    return {way["way"]: round(way["total"] / 2**20, 1) for way in found["ways"]}


def side_by_side(version: DatasetVersion, network: Path, root: Path) -> dict[str, object]:
    """Two processes that train at once, against one alone: items a second."""

    def run(count: int) -> float:
        words = [sys.executable, __file__, "--child", str(version.folder), str(network), str(root)]
        children = [
            subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(count)
        ]
        return sum(float(child.communicate()[0].splitlines()[-1]) for child in children)

    alone, both = run(1), run(2)
    return {
        "alone": round(alone, 1),
        "both_together": round(both, 1),
        "gain": round(both / alone, 2),
    }


def child(folder: Path, network: Path, root: Path) -> None:
    """One of them."""
    version, watch = DatasetVersion(folder), Watch()
    train(version, network, root, watch)
    print(len(version.rows_of("train")) / (watch.ended - watch.started))


def main(out: Path) -> None:
    """Everything, part by part; a part that fails is named, and the others go on."""
    name = torch.cuda.get_device_name() if CUDA else f"no GPU: {machine()}"
    figures: dict[str, object] = {
        "device": name,
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "",
    }
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        words, pictures = write_networks(root)
        texts, photos = write_items(root)
        for part, work in {
            "texts": lambda: throughput(texts, words, root, WORDS + 2),
            "photos": lambda: throughput(photos, pictures, root, (SIZE // PATCH) ** 2 + 1),
            "too_large_a_batch": lambda: too_large(texts, words, root),
            "reading_texts": lambda: reading(texts, words, root),
            "reading_photos": lambda: reading(photos, pictures, root),
            "resumed": lambda: resumed(texts, words, root),
            "larger_networks": lambda: larger(texts, words, root),
            "memory_foretold": lambda: foretold(texts, words, root),
            "side_by_side": lambda: side_by_side(texts, words, root),
        }.items():
            started = time.perf_counter()
            try:
                figures[part] = {**work(), "seconds": round(time.perf_counter() - started, 1)}
            except Exception as error:  # noqa: BLE001 - one part must not cost the others of a short session
                figures[part] = {"failed": f"{type(error).__name__}: {error}"}
            out.write_text(json.dumps(figures, indent=1) + "\n")
            sys.stderr.write(f"{part}: {figures[part]}\n")


if __name__ == "__main__":
    quiet_libraries()
    if sys.argv[1:2] == ["--child"]:
        child(*map(Path, sys.argv[2:5]))
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else RESULTS / "on_gpu.json")
