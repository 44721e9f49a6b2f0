"""What commits, renames, syncs or publishes has a faultpoint beside it, so that the harness reaches it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "workers", "ml")
# By file and function, with the reason why nothing is to be injected there.
WITHOUT: dict[str, str] = {}
ALWAYS = {"fsync", "fdatasync", "commit", "send_task", "put_object", "upload_file", "upload_fileobj"}
MOVES = {"replace", "rename"}
OF_A_MODULE = {("os", "replace"), ("os", "rename"), ("os", "link"), ("shutil", "move")}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def decides(call: ast.Call) -> bool:
    """Whether what this call does either stands or does not stand after a power cut."""
    if not isinstance(call.func, ast.Attribute):
        return False
    name, of = call.func.attr, call.func.value
    if isinstance(of, ast.Name) and (of.id, name) in OF_A_MODULE:
        return True
    # A path is replaced by one other path; texts and dates take two arguments or named ones.
    return name in ALWAYS or (name in MOVES and len(call.args) == 1 and not call.keywords)


def is_faultpoint(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "faultpoint"


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Without those of functions that are defined inside."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function):
            waiting.extend(ast.iter_child_nodes(node))


def deciding(tree: ast.Module) -> Iterator[tuple[Function, int, bool]]:
    """Each function with such a call: its line, and whether a faultpoint stands in the function before it."""
    for function in ast.walk(tree):
        if isinstance(function, Function):
            nodes = list(own_nodes(function))
            points = [node.lineno for node in nodes if isinstance(node, ast.Call) and is_faultpoint(node)]
            for node in nodes:
                if isinstance(node, ast.Call) and decides(node):
                    yield function, node.lineno, any(point <= node.lineno for point in points)


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_every_commit_rename_sync_and_publish_can_be_made_to_fail() -> None:
    bare = [
        f"{path.relative_to(ROOT)}:{line} {function.name}"
        for path in sources()
        for function, line, guarded in deciding(ast.parse(path.read_text(encoding="utf-8")))
        if not guarded and f"{path.relative_to(ROOT)}:{function.name}" not in WITHOUT
    ]
    assert bare == [], 'put faultpoint("…") from ml.contract.faults before it'


def test_the_walk_sees_what_it_is_there_for() -> None:
    seen = {
        f"{path.relative_to(ROOT)}"
        for path in sources()
        for _ in deciding(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {"app/core/work.py", "app/accounts/audit.py", "ml/training/checkpoint.py"} <= seen


def test_no_two_places_share_a_name() -> None:
    """A point that is named twice could be armed only together with the other."""
    names = [
        node.args[0].value
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and is_faultpoint(node) and isinstance(node.args[0], ast.Constant)
    ]
    assert len(names) > 20
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize(
    ("source", "guarded"),
    [
        ("def f(a):\n a.replace(b)", [False]),
        ("def f(a):\n faultpoint('x')\n a.replace(b)", [True]),
        ("def f(a):\n a.replace(b)\n faultpoint('x')", [False]),
        ("def f(a):\n faultpoint('x')\n def g():\n  os.rename(a, b)", [False]),
        ("def f(a):\n return a.replace('x', 'y')", []),
        ("def f(a):\n return a.replace(tzinfo=UTC)", []),
        ("def f(s):\n s.commit()", [False]),
    ],
)
def test_it_tells_paths_from_texts(source: str, guarded: list[bool]) -> None:
    assert [each for _, _, each in deciding(ast.parse(source))] == guarded
