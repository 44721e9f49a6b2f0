"""Artifacts: files by the sha256 of their content, and trees, which are manifests of such files.

Nothing is ever changed: a file is written in a scratch directory, made durable under its hash, and only then
named in the database. What no row names is collected later.
"""

from app.core.storage.base import Storage
from app.core.storage.local import LocalStorage
from app.core.storage.trees import ArtifactDamaged, Blob, StoredFile, Tree, hash_file, tree_of

__all__ = [
    "ArtifactDamaged",
    "Blob",
    "LocalStorage",
    "Storage",
    "StoredFile",
    "Tree",
    "hash_file",
    "tree_of",
]
