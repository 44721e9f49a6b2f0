"""Artifacts: files by the sha256 of their content, and trees, which are manifests of such files.

Nothing is ever changed: a file is written in a scratch directory, made durable under its hash, and only then
named in the database. What no row names is collected later.
"""

from app.core.storage.base import Storage
from app.core.storage.local import LocalStorage
from app.core.storage.opening import check_at_start, open_storage
from app.core.storage.trees import (
    ArtifactDamaged,
    Blob,
    StorageAway,
    StorageRefused,
    StoredFile,
    Tree,
    hash_file,
    tree_of,
)

__all__ = [
    "ArtifactDamaged",
    "Blob",
    "LocalStorage",
    "Storage",
    "StorageAway",
    "StorageRefused",
    "StoredFile",
    "Tree",
    "check_at_start",
    "hash_file",
    "open_storage",
    "tree_of",
]
