"""Which stored files are named: what a backup takes along, what a collector leaves, what must be there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.core.errors import NotFound
from app.core.storage import ArtifactDamaged, Storage
from app.monitoring.root_queries import Root


@dataclass(frozen=True)
class Names:
    """All that is named: each file with the first root that leads to it, and the manifests not readable."""

    files: Mapping[str, Root]
    sizes: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, Root] = field(default_factory=dict)

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self.files


def names(storage: Storage, found: Iterable[Root]) -> Names:
    """Every file that the roots lead to. A manifest that can't be read leads nowhere, and is told."""
    files: dict[str, Root] = {}
    sizes: dict[str, int] = {}
    unreadable: dict[str, Root] = {}
    opened: set[str] = set()
    for root in found:
        files.setdefault(root.sha256, root)
        if not root.tree or root.sha256 in opened:
            continue
        opened.add(root.sha256)
        try:
            tree = storage.tree(root.sha256)
        except (NotFound, ArtifactDamaged, ValueError, KeyError):
            unreadable[root.sha256] = root
            continue
        for file in tree.files:
            files.setdefault(file.sha256, root)
            sizes[file.sha256] = file.size
    return Names(files, sizes, unreadable)
