"""Word vectors against the transformer that they come from, on TREC: `python
benchmarks/word_vectors.py SHARED`.

Every head with frozen and tuned vectors (the input embeddings of `starter:text`), beside the probe,
the probe on all depths, and LP-FT of the whole network; test accuracy with Wilson's interval.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from common import machine, open_data, write_result

from tl_core.config import RunConfig
from tl_core.config.static import HEADS
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe

RUNS: dict[str, tuple[str, dict[str, object]]] = {
    **{
        f"{head}, {vectors} vectors": ("static_embeddings", {"head": head, "vectors": vectors})
        for head in HEADS
        for vectors in ("frozen", "tuned")
    },
    "probe": ("probe", {}),
    "probe on all depths": ("probe", {"depth": -1}),
    "words alone (zero-shot)": (
        "zero_shot",
        {
            "prompts": [
                "abbreviation = what does this abbreviation stand for",
                "description = define or explain this thing, or why",
                "entity = what is the name of the animal, food, product or thing",
                "human = who is this person or group",
                "location = where is this place, city or country",
                "number = how many, how much, when, which date",
            ]
        },
    ),
    "probe, then fine-tune": ("finetune", {"strategy": "lpft"}),
}

if __name__ == "__main__":
    quiet_libraries()
    runs = {}
    with tempfile.TemporaryDirectory() as place:
        version = open_data(Path(sys.argv[1]) / "data" / "trec", Path(place) / "v")
        for number, (name, (recipe, options)) in enumerate(RUNS.items()):
            folder = Path(place) / str(number)
            folder.mkdir()
            config = RunConfig(
                "train",
                "local",
                "trec@1",
                str(version.folder),
                "starter:text",
                recipe,
                {"baseline": False, **options},
            )
            report = run_recipe(config, version, folder, Path(place) / "cache", Progress())
            score = report["test"]["accuracy"]
            runs[name] = {
                "accuracy": score["value"],
                "low": round(score["low"], 4),
                "high": round(score["high"], 4),
            }
            sys.stderr.write(f"{name}: {runs[name]}\n")
    write_result(
        "word_vectors",
        {"machine": machine(), "test_items": len(version.rows_of("test")), "runs": runs},
    )
