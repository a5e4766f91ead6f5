"""Single labels from the command line: suggest, next, decide, apply."""

from __future__ import annotations

from tests_support.datasets import write_pictures, write_texts


def test_suggest_decide_apply(carried_out_here, call, tmp_path, tiny):
    source = write_pictures(tmp_path / "d", each=30)
    for number in (3, 7, 12, 21):
        (source / "red" / f"{number}.png").rename(source / "blue" / f"moved{number}.png")

    call("data", "add", source, "--name", "discs")
    suspects = call("labels", "suggest", "discs", "--backbone", f"local:{tiny('convnext')}")
    assert suspects["count"] >= 2
    first = suspects["rows"][0]
    assert (first["given"], first["suggested"]) == ("blue", "red")
    wrong = call("labels", "decide", "discs", first["row"], "relabel", "--to", "rad", code=2)[
        "error"
    ]
    assert "Did you mean red" in wrong["try_this"]
    saved = call("labels", "decide", "discs", first["row"], "relabel", "--to", "red")
    assert saved["decisions"] == {str(first["row"]): {"action": "relabel", "label": "red"}}
    made = call("labels", "apply", "discs")
    assert (made["version"], made["parent"]) == (2, "discs@1")
    changes = call("data", "compare", "discs@1", "discs@2")
    assert changes["relabelled"]["items"][0]["what"] == "blue → red"
    assert changes["removed"]["count"] == changes["moved"]["count"] == 0
    assert (
        call("labels", "apply", "discs", code=2)["error"]["what"]
        == "No label of this version was changed."
    )


def test_next_rows_to_label(carried_out_here, call, tmp_path, tiny):
    source = write_texts(tmp_path / "mail.csv", 60)
    lines = source.read_text().splitlines()
    bare = [line.rpartition(",")[0] + "," for line in lines[31:]]
    source.write_text("\n".join([*lines[:31], *bare]))
    call("data", "add", source, "--name", "mail")
    words = ("labels", "next", "mail", "--backbone", f"local:{tiny('bert')}", "--batch", 6)
    queue = call(*words, "--strategy", "margin")
    assert (queue["dataset"], queue["strategy"], queue["labels"]) == ("mail@1", "margin", 0)
    assert len(queue["rows"]) == 6 and {one["why"] for one in queue["rows"]} == {"margin", "random"}
    assert min(one["row"] for one in queue["rows"]) >= 30
