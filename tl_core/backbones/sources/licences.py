"""Which licences of weights allow commercial use."""

from __future__ import annotations

# As the Hub tags them. Some ask for the author's name, or for the same licence on changed weights;
# none asks what for.
_COMMERCIAL = frozenset(
    (
        "apache-2.0",
        "mit",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "isc",
        "zlib",
        "bsl-1.0",
        "unlicense",
        "cc0-1.0",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
    )
)


def allows_commercial_use(licence: str) -> bool:
    """Whether a licence, by its name on the Hub, is known to allow it; False for one that is not
    known.
    """
    return licence.strip().lower() in _COMMERCIAL
