"""Why did it say so? Relevance maps over a picture, relevance of the words of a text, and checks of
their meaning.

Grad-CAM (Selvaraju et al., ICCV 2017), for transformers on the grid of their tokens; occlusion
(Zeiler and Fergus, ECCV 2014) and leave-one-word-out, which need nothing but answers; integrated
gradients (Sundararajan et al., ICML 2017) with their completeness error. Each is checked by
deletion and insertion (Petsiuk et al., BMVC 2018) against a random order.
"""

from __future__ import annotations

import copy
import re
from bisect import bisect_left
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor, nn

from tl_core.models.classifier import Classifier

GRID = 10  # cells along each side of a map
_FINE = 5  # places along a side from which a layer's map is worth looking at
_WINDOW = 2  # cells that are covered at once
_STEPS = 10  # of deletion and insertion
_PATH = 32  # points of the path of integrated gradients
Floats = NDArray[np.float64]


def explain(classifier: Classifier, item: Any, label: str) -> dict[str, Any]:  # noqa: ANN401
    """Every explanation of `label` for one text or RGB picture.

    Returns:
        `methods`: each with `name`, `map` (GRID x GRID for pictures, one number for each of `words`
        for texts, positive for what speaks for the label), `deletion` and `insertion` (mean
        probability while the most relevant parts go or come, low and high are good),
        `random_deletion` for a random order, and for integrated gradients `completeness`, the part
        of the answer that is not accounted for. `sanity`: correlation of the gradient map with that
        of the same network with random weights, which should be near 0.
    """
    place, none = classifier.labels.index(label), cast("float | None", None)
    if classifier.modality == "image":
        found = [
            ("occlusion", occlusion(classifier, item, place), none),
            ("Grad-CAM", grad_cam(classifier.model, classifier, item, place), none),
        ]
        noise = grad_cam(randomised(classifier.model), classifier, item, place)
        words = []
    else:
        words = item.split()
        values, gap = integrated_gradients(classifier.model, classifier, item, place)
        found = [
            ("leave one word out", leave_one_out(classifier, item, place), none),
            ("integrated gradients", values, gap),
        ]
        noise = integrated_gradients(randomised(classifier.model), classifier, item, place)[0]
    methods = [
        {
            "name": name,
            "map": values.tolist(),
            "completeness": gap,
            **faithfulness(classifier, item, place, values),
        }
        for name, values, gap in found
    ]
    return {
        "label": label,
        "words": words,
        "methods": methods,
        "sanity": _correlation(found[-1][1], noise),
    }


def occlusion(classifier: Classifier, picture: Image.Image, place: int) -> Floats:
    """How much the log odds fall when each part of the picture is covered with its mean colour."""
    values = np.asarray(picture)
    mean, edges = values.mean(axis=(0, 1)).astype(np.uint8), _edges(values.shape)
    corners = [(i, j) for i in range(GRID - _WINDOW + 1) for j in range(GRID - _WINDOW + 1)]
    covered = []
    for i, j in corners:
        changed = values.copy()
        changed[edges[0][i] : edges[0][i + _WINDOW], edges[1][j] : edges[1][j + _WINDOW]] = mean
        covered.append(Image.fromarray(changed))
    drops = _log_odds(classifier, [picture], place) - _log_odds(classifier, covered, place)
    total, count = np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
    for (i, j), drop in zip(corners, drops, strict=True):
        total[i : i + _WINDOW, j : j + _WINDOW] += drop
        count[i : i + _WINDOW, j : j + _WINDOW] += 1
    found: Floats = total / count
    return found


def grad_cam(model: nn.Module, classifier: Classifier, picture: Image.Image, place: int) -> Floats:
    """Gradient times activation of the last layer that still knows at least 5 x 5 places, on the
    grid of the picture.

    For convolutions the gradient is averaged over places, as published. For tokens it is taken at
    each, at the last
    layer whose patches can still reach the answer: after the last block only the first token is
    read.
    """
    pixels = _encode(classifier, picture)
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, out: Any) -> None:  # noqa: ANN401
        first = out[0] if isinstance(out, tuple) and out else out
        if isinstance(first, Tensor):
            seen.append(first)

    handles = [module.register_forward_hook(keep) for module in model.modules()]
    try:
        with torch.enable_grad():
            for parameter in model.parameters():
                parameter.requires_grad_(True)
            logit = model(**pixels).logits[0, place]
    finally:
        for handle in handles:
            handle.remove()
    layers = [out for out in seen if out.requires_grad and _grid(out) is not None]
    slopes: tuple[Tensor | None, ...] = torch.autograd.grad(logit, layers, allow_unused=True)
    fine = [
        pair for pair in zip(layers, slopes, strict=True) if min(_grid(pair[0]) or (0, 0)) >= _FINE
    ]
    for out, slope in reversed(fine or list(zip(layers, slopes, strict=True))):
        if slope is None:  # it takes no part in this answer
            continue
        act, grad = _on_grid(out.detach()), _on_grid(slope)
        if not bool(grad.abs().max() > 0):
            continue
        if out.ndim == 4:
            grad = grad.mean(dim=(1, 2), keepdim=True)
        cam = torch.relu((grad * act).sum(0))
        return _to_picture(cam.double().cpu().numpy(), classifier.processor, picture.size)
    return np.zeros((GRID, GRID))


def _encode(classifier: Classifier, item: Any) -> dict[str, Tensor]:  # noqa: ANN401
    from tl_core.models.backbones import encode_images, encode_texts

    batch = (
        encode_images(classifier.processor, [item])
        if classifier.modality == "image"
        else encode_texts(classifier.processor, [item], classifier.processor.model_max_length)
    )
    device = next(classifier.model.parameters()).device
    return {name: value.to(device) for name, value in batch.items()}


def _grid(out: Tensor) -> tuple[int, int] | None:
    """Rows and columns of places in an activation of one picture; None where it has none."""
    if out.ndim == 4 and min(out.shape[2:]) > 1:
        return int(out.shape[2]), int(out.shape[3])
    if out.ndim == 3 and out.shape[0] == 1:
        for prefix in (0, 1, 2, 5):  # class token, DeiT's second one, registers
            side = int(max(out.shape[1] - prefix, 0) ** 0.5)
            if side > 1 and side * side == out.shape[1] - prefix:
                return side, side
    return None


def _on_grid(out: Tensor) -> Tensor:
    """(channels, rows, columns) of an activation or its gradient."""
    rows, columns = _grid(out)  # type: ignore[misc]
    return out[0] if out.ndim == 4 else out[0, -rows * columns :].T.reshape(-1, rows, columns)


def _to_picture(cam: Floats, processor: Any, size: tuple[int, int]) -> Floats:  # noqa: ANN401
    """A map over what the network sees, laid on the whole picture: what a centre crop hides has
    none.
    """
    width, height = size
    across = down = 1.0
    if getattr(processor, "do_center_crop", False) and getattr(processor, "do_resize", False):
        edge = dict(processor.size).get("shortest_edge")
        crop = dict(processor.crop_size)
        if edge:
            scale = edge / min(width, height)
            across, down = (
                min(1.0, crop["width"] / (scale * width)),
                min(1.0, crop["height"] / (scale * height)),
            )
    fine = 20 * GRID
    inner = (max(GRID, round(fine * across)), max(GRID, round(fine * down)))
    grown = np.asarray(
        Image.fromarray(cam.astype(np.float32)).resize(inner, Image.Resampling.BILINEAR)
    )
    canvas = np.zeros((fine, fine))
    top, left = (fine - inner[1]) // 2, (fine - inner[0]) // 2
    canvas[top : top + inner[1], left : left + inner[0]] = grown
    found: Floats = canvas.reshape(GRID, 20, GRID, 20).mean(axis=(1, 3))
    return found


def leave_one_out(classifier: Classifier, text: str, place: int) -> Floats:
    """How much the log odds fall without each word (words,)."""
    words = text.split()
    if len(words) == 1:
        return np.ones(1)
    without = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    return _log_odds(classifier, [text], place) - _log_odds(classifier, without, place)


def _log_odds(classifier: Classifier, items: list[Any], place: int) -> Floats:
    """ln(p / (1 - p)) of one class (items,): the weight of evidence (Robnik-Sikonja and Kononenko,
    IEEE TKDE 2008), which still moves where a probability near 1 does not.
    """
    found = np.clip(classifier.probabilities(items)[:, place], 1e-12, 1 - 1e-12)
    odds: Floats = np.log(found / (1 - found))
    return odds


def integrated_gradients(
    model: nn.Module, classifier: Classifier, text: str, place: int
) -> tuple[Floats, float]:
    """Relevance of each word (words,) for the logit, and the share of the logit's change that is
    not accounted for.

    The path leads from the same text with every token masked (the mask token's embedding, or the
    mean of all) to the text, by the midpoint rule; an empty embedding would be a jump for norms
    that divide by it. Tokens of one word are summed. Words beyond the maximum length have none.
    """
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    tokens = dict(
        classifier.processor(
            text,
            truncation=True,
            return_tensors="pt",
            return_offsets_mapping=True,
            max_length=classifier.processor.model_max_length,
        )
    )
    ends_at = tokens.pop("offset_mapping")[
        0, :, 1
    ].tolist()  # a token belongs to the word that its last letter is in
    owner = [bisect_left(starts, end) - 1 if end else None for end in ends_at]
    device = next(model.parameters()).device
    batch = {name: value.to(device) for name, value in tokens.items()}
    marks = torch.tensor([word is not None for word in owner], device=device)[None, :, None]
    share, kept = [0.0], list[Tensor]()

    def blank(_module: nn.Module, inputs: Any, out: Tensor) -> Tensor:  # noqa: ANN401
        if not torch.equal(
            inputs[0], batch["input_ids"]
        ):  # GPT-2 looks token types up in the same table
            return out
        mixed = torch.where(
            marks, empty + share[0] * (out.detach() - empty), out.detach()
        ).requires_grad_(True)
        kept.append(mixed)
        return mixed

    table: Any = model.get_input_embeddings()  # type: ignore[operator]
    mask = classifier.processor.mask_token_id
    empty = (table.weight[mask] if mask is not None else table.weight.mean(dim=0)).detach()
    handle = table.register_forward_hook(blank)
    total: Tensor | None = None
    try:
        with torch.enable_grad():
            ends = []
            for end in (0.0, 1.0):
                share[0] = end
                ends.append(float(model(**batch).logits[0, place].detach()))
            whole = kept[-1].detach()
            for step in range(_PATH):
                share[0] = (step + 0.5) / _PATH
                logit = model(**batch).logits[0, place]
                slope = torch.autograd.grad(logit, kept[-1])[0]
                total = slope if total is None else total + slope
    finally:
        handle.remove()
    each = ((total / _PATH) * (whole - empty) * marks).sum(-1)[0].double().cpu().numpy()  # type: ignore[operator]
    found = np.zeros(len(starts))
    for value, word in zip(each, owner, strict=True):
        if word is not None:
            found[word] += value
    change = ends[1] - ends[0]
    return found, abs(float(found.sum()) - change) / max(abs(change), 1e-6)


def randomised(model: nn.Module) -> nn.Module:
    """The same network with random weights: its maps show what a method draws by itself (Adebayo,
    NeurIPS 2018).
    """
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in other.parameters():
            if parameter.ndim > 1:
                spread = float(parameter.std()) or 0.02
                parameter.copy_(
                    torch.randn(parameter.shape, generator=generator).to(parameter.device) * spread
                )
    return other.eval()


def faithfulness(
    classifier: Classifier,
    item: Any,  # noqa: ANN401
    place: int,
    relevance: Floats,
) -> dict[str, float]:
    """Mean probability while the most relevant parts are taken away, while they are put in, and for
    a random order.
    """
    order = np.argsort(-relevance.ravel(), kind="stable")
    random = np.random.default_rng(0).permutation(relevance.size)
    counts = np.unique(np.linspace(0, relevance.size, _STEPS + 1).round().astype(int))

    def mean(gone: list[NDArray[np.int64]]) -> float:
        return float(
            classifier.probabilities([_without(item, parts) for parts in gone])[:, place].mean()
        )

    return {
        "deletion": mean([order[:count] for count in counts]),
        "insertion": mean([order[count:] for count in counts]),
        "random_deletion": mean([random[:count] for count in counts]),
    }


def _without(item: Any, parts: NDArray[np.int64]) -> Any:  # noqa: ANN401
    """A picture with some cells blurred beyond recognition, or a text without some words."""
    if isinstance(item, str):
        words = item.split()
        gone = set(parts.tolist())
        return " ".join(word for place, word in enumerate(words) if place not in gone) or "."
    blurred = np.asarray(item.filter(ImageFilter.GaussianBlur(max(item.size) / 8)))
    values, edges = np.array(item), _edges(np.asarray(item).shape)
    for part in parts:
        i, j = divmod(int(part), GRID)
        spot = (slice(edges[0][i], edges[0][i + 1]), slice(edges[1][j], edges[1][j + 1]))
        values[spot] = blurred[spot]
    return Image.fromarray(values)


def _edges(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Borders of the cells in pixels, down and across."""
    down, across = (np.linspace(0, side, GRID + 1).round().astype(np.int64) for side in shape[:2])
    return down, across


def _correlation(first: Floats, second: Floats) -> float:
    """Pearson's correlation; 0 where one is constant."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
