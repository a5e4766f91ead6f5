"""SetFit's own implementation on one draw of labelled texts; runs in an environment of its own
(`pip install setfit`).

`python setfit_reference.py ENCODER TABLE OUT`: the table has the columns text, label and split.
Trains with SetFit's defaults (one epoch of oversampled pairs, batches of 16, 2e-5) and writes the
answers for the test rows as JSON.
"""

import csv
import json
import sys
import time
from pathlib import Path

from datasets import Dataset
from setfit import SetFitModel, Trainer, TrainingArguments


def main(encoder: str, table: str, out: str, seed: int) -> None:
    with open(table, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    train, test = ([row for row in rows if row["split"] == split] for split in ("train", "test"))
    model = SetFitModel.from_pretrained(
        encoder, device="cpu", labels=sorted({row["label"] for row in train})
    )
    arguments = TrainingArguments(
        output_dir=str(Path(out).parent / "setfit"),
        batch_size=16,
        num_epochs=1,
        seed=seed,
        report_to="none",
        save_strategy="no",
        show_progress_bar=False,
    )
    started = time.monotonic()
    Trainer(
        model,
        arguments,
        train_dataset=Dataset.from_list(
            [{"text": row["text"], "label": row["label"]} for row in train]
        ),
    ).train()
    taken = time.monotonic() - started
    answers = [
        str(answer)
        for answer in model.predict([row["text"] for row in test], show_progress_bar=False)
    ]
    Path(out).write_text(json.dumps({"seconds": round(taken, 1), "answers": answers}))


if __name__ == "__main__":
    main(*sys.argv[1:4], seed=int(sys.argv[4]))
