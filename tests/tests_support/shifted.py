"""Generated features of two domains that differ in a known way, and texts of two shops."""

from __future__ import annotations

from pathlib import Path

import numpy as np

WIDTH, CLASSES = 12, 3


def domain(rows: int, seed: int, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features around a mean for each class (rows, width), and their classes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, rows)
    return (means[labels] + random.normal(size=(rows, WIDTH))).astype(np.float32), labels


def class_means(seed: int = 0) -> np.ndarray:
    """Means of three classes that a linear classifier tells apart nearly always."""
    return 2.2 * np.random.default_rng(seed).normal(size=(CLASSES, WIDTH))


def rotation(seed: int, angle: float) -> np.ndarray:
    """An orthogonal matrix that turns pairs of axes by an angle."""
    out = np.eye(WIDTH)
    order = np.random.default_rng(seed).permutation(WIDTH).reshape(-1, 2)
    for one, other in order:
        turn = np.eye(WIDTH)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        out = out @ turn
    return out


def scaled_and_moved(features: np.ndarray, seed: int = 5) -> np.ndarray:
    """What another camera makes of them: each column has another scale and another zero."""
    random = np.random.default_rng(seed)
    scale = np.exp(random.normal(0, 1.0, WIDTH))
    return (features * scale + random.normal(0, 12, WIDTH)).astype(np.float32)


def mixed(features: np.ndarray, seed: int = 6) -> np.ndarray:
    """A linear mixture of columns with a known symmetric matrix, as CORAL can undo."""
    random = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(random.normal(size=(WIDTH, WIDTH)))
    stretch = np.exp(random.normal(0, 0.9, WIDTH))
    return (features @ (basis * stretch) @ basis.T + random.normal(0, 4, WIDTH)).astype(np.float32)


_WORDS = {
    "good": ["good", "film", "money"],
    "bad": ["bad", "late", "order"],
}


_FURTHER = (
    "apple arm baby bag ball bank bed bell bird boat book bottle box boy brick bridge brother brush"
    " bucket bulb button cake camera card cart cat chain cheese chin church circle clock cloud coat"
    " collar comb cord cow cup curtain cushion dog door drain drawer dress ear egg engine eye face"
    " farm feather finger fish flag floor fly foot fork fowl frame garden girl glove goat gun hair"
    " hammer hand hat head heart hook horn horse hospital house island jewel kettle key knee knife"
    " knot leaf leg library line lip lock map match monkey moon mouth muscle nail neck needle"
    " nerve net nose nut office orange oven parcel pen pencil picture pig pin pipe plane plate pump"
).split()


def write_shops(path: Path, each: int = 40, unlabelled: int = 0) -> Path:
    """Texts of two shops, of which one writes in another way; `unlabelled` of them have no class
    and no shop. Each ends with words of its own, so that none is a copy of another.
    """
    random = np.random.default_rng(0)
    lines = ["text,label,shop"]
    for shop, before in (("north", "the"), ("south", "the the my")):
        for number in range(each):
            label = ("good", "bad")[number % 2]
            words = _WORDS[label]
            own = " ".join(random.choice(_FURTHER, 5, replace=False))
            lines.append(
                f"{before} {words[number % 3]} {words[(number + 1) % 3]} {own},{label},{shop}"
            )
    lines += [f"my my film is good {number},," for number in range(unlabelled)]
    path.write_text("\n".join(lines) + "\n")
    return path
