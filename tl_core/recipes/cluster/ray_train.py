"""The processes that share each batch of a training, started by Ray Train on the machines of a
cluster.

`python -m tl_core.recipes.cluster.ray_train COUNT RESTARTS RUN_FOLDER CACHE_FOLDER`, inside of a
job of the cluster. Ray places the processes, joins them (torch.distributed) and starts them again
when a machine is lost; the loop in them is that of `distributed`, which goes on from its own newest
checkpoint. Weights, checkpoints and the outcome are files in the run's folder, as ever: no weight
is reported to Ray, and no checkpoint of its own is ever written or read.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from tl_core.recipes.cluster.mailbox import printed, sayer
from tl_core.recipes.shared import distributed

_NOTES = "ray"  # folder of what Ray Train writes down about its own processes


def _work(told: dict[str, object]) -> None:
    """What Ray runs in each process."""
    folder, cache = Path(str(told["folder"])), Path(str(told["cache"]))
    if distributed.main(folder, cache, sayer(told["mailbox"])):
        raise RuntimeError("see the outcome in the run's folder")  # Ray knows failures by errors


def main(count: int, restarts: int, folder: Path, cache: Path) -> int:
    """Train in `count` processes, which are all started again `restarts` times where one is lost;
    prints what the first one says, a line each.
    """
    ray.init(logging_level="WARNING")
    gpus = ray.cluster_resources().get("GPU", 0) >= count
    processors = int(os.environ.get("OMP_NUM_THREADS", "1"))
    with printed() as mailbox:
        trainer = TorchTrainer(
            _work,
            train_loop_config={"mailbox": mailbox, "folder": str(folder), "cache": str(cache)},
            # GPUs talk fastest inside of one machine; processors have more memory to themselves
            # apart
            scaling_config=ScalingConfig(
                num_workers=count,
                use_gpu=gpus,
                resources_per_worker={"CPU": processors} | ({"GPU": 1} if gpus else {}),
                placement_strategy="PACK" if gpus else "SPREAD",
            ),
            run_config=RunConfig(
                name=_NOTES,
                storage_path=str(folder),
                failure_config=FailureConfig(max_failures=restarts),
            ),
        )
        try:
            trainer.fit()
        finally:
            shutil.rmtree(folder / _NOTES, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
