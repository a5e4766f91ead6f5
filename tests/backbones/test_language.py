"""Whether a backbone reads the texts, from its tokenizer alone."""

from __future__ import annotations

from tl_core.backbones.language import check_fit
from tl_core.settings import Settings

ENGLISH = [f"where is my parcel number {i}" for i in range(40)]


def ids(texts, max_length=256):
    return [finding["id"] for finding in check_fit("starter:text", Settings(), texts, max_length)]


def test_texts_that_fit_give_no_finding():
    assert ids(ENGLISH) == []


def test_another_script_is_noticed():
    assert ids(["快递今天还没有到请帮我查一下"] * 20) == ["unknown_tokens"]


def test_cut_texts_are_counted_and_a_length_is_proposed():
    from transformers import AutoTokenizer

    from tl_core.backbones.sources.reference import parse_reference
    from tl_core.backbones.sources.resolve import resolve_folder

    texts = ENGLISH + ["the parcel has not come " * 60] * 10
    (finding,) = check_fit("starter:text", Settings(), texts, 128)
    assert (finding["id"], finding["count"]) == ("truncated", 20)
    tokenizer = AutoTokenizer.from_pretrained(
        resolve_folder(parse_reference("starter:text"), Settings())
    )
    longest = max(
        len(tokenizer(text, truncation=False, verbose=False)["input_ids"]) for text in texts
    )
    assert f"With {longest} tokens" in finding["fix"]
