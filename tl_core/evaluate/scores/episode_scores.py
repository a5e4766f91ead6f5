"""Ways to learn from few labels, judged on the same episodes: mean accuracies with intervals, and
each against the probe.
"""

from __future__ import annotations

from collections.abc import Mapping

from tl_core.evaluate.compare import compare_means, verdict
from tl_core.evaluate.report.schema import JudgedMethod
from tl_core.evaluate.scores.metrics import Floats
from tl_core.evaluate.scores.set_scores import mean_score

PROBE = "probe"


def judge_methods(found: Mapping[str, Floats], seed: int) -> list[JudgedMethod]:
    """Each method's mean over episodes and its paired gap to the probe, the probe first.

    Args:
        found: accuracy on each episode (episodes,) of each method, `PROBE` among them; the
            episodes are the same for all.
        seed: of the bootstrap over episodes.
    """
    order = [PROBE, *(name for name in found if name != PROBE)]
    return [
        {
            "name": name,
            "accuracy": mean_score(found[name], seed),
            "against_probe": (
                None if name == PROBE else compare_means(found[name], found[PROBE], seed)
            ),
        }
        for name in order
    ]


def sentence_of(methods: list[JudgedMethod], taken: str, episodes: int) -> str:
    """What the method that was taken is worth against the probe, in words."""
    [probe] = [one for one in methods if one["name"] == PROBE]
    [own] = [one for one in methods if one["name"] == taken]
    gap = own["against_probe"]
    if gap is None:
        return ""
    points = 100 * gap["difference"]["value"]
    way = "more" if points >= 0 else "fewer"
    return (
        f"On {episodes:,} episodes of classes that it had not learnt from, {taken} is right"
        f" {100 * own['accuracy']['value']:.0f} times in 100, {abs(points):.1f} {way} than a probe"
        f" on the same labels ({100 * probe['accuracy']['value']:.0f}); {verdict(gap['p_value'])}."
    )
