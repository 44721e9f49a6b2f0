"""The two commands and their script: pinned, honest about what is missing, and idle the second time."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BOOTSTRAP = ROOT / "bin" / "bootstrap.py"


def pins(file: str = "constraints.txt") -> dict[str, str]:
    lines = (ROOT / file).read_text().split()
    return {canonical(name): version for name, _, version in (line.partition("==") for line in lines)}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def bootstrap(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BOOTSTRAP), *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


def test_make_help_lists_every_target() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
    assert {"run", "test", "check", "help"} <= set(targets)
    for target in targets:
        assert re.search(rf"make {target} +\w", listed), target


def test_the_script_needs_nothing_but_the_standard_library() -> None:
    for node in ast.walk(ast.parse(BOOTSTRAP.read_text())):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        assert all(name.split(".")[0] in sys.stdlib_module_names for name in names), names


def test_older_interpreters_can_read_the_script_and_are_told_what_is_needed() -> None:
    ast.parse(BOOTSTRAP.read_text(), feature_version=(3, 8))


def test_every_dependency_is_pinned_exactly() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["sim"], *extras["dev"]]
    wanted.remove("fittingroom[sim]")
    found = pins()
    assert all(re.fullmatch(r"[\w.!+]+", version) for version in found.values())
    for requirement in wanted:
        assert canonical(re.split(r"[\[<>=~ ]", requirement)[0]) in found, requirement


def test_the_second_environment_is_pinned_exactly_and_apart() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = pins("constraints-sagemaker.txt")
    assert all(re.fullmatch(r"[\w.!+]+", version) for version in found.values())
    wanted = {canonical(name) for name in project["optional-dependencies"]["sagemaker"]}
    assert wanted <= set(found)
    assert not wanted & set(pins())


def test_what_is_installed_is_what_the_pins_say() -> None:
    """Also what the dependencies need: an unpinned package would change under a fresh clone."""
    lines = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True
    ).stdout
    installed = {canonical(each["name"]): each["version"].split("+")[0] for each in json.loads(lines)}
    differing = {name: installed[name] for name, v in pins().items() if installed.get(name, v) != v}
    assert differing == {}


def test_the_script_and_the_pins_agree_on_torch() -> None:
    spec = importlib.util.spec_from_file_location("bootstrap", BOOTSTRAP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert f"torch=={pins()['torch']}" == module.TORCH


def test_browser_files_are_pinned_with_their_hashes() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in {**package["dependencies"], **package["devDependencies"]}.items():
        locked = lock[f"node_modules/{name}"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert locked["version"] == version
        assert locked["integrity"].startswith("sha512-")


def test_a_second_set_up_does_and_says_nothing() -> None:
    stamps = ROOT / ".venv" / "fittingroom-stamps.json"
    if not stamps.exists():
        pytest.skip("the environment was not made by make; make test does it")
    bootstrap("setup")
    before = stamps.stat().st_mtime_ns
    again = bootstrap("setup")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert stamps.stat().st_mtime_ns == before


def test_an_unknown_command_is_explained() -> None:
    refused = bootstrap("fly")
    assert refused.returncode == 2
    assert "bootstrap.py run|test|" in refused.stderr


def test_without_apt_the_line_to_type_is_printed() -> None:
    code = (
        f"import runpy; module = runpy.run_path({str(BOOTSTRAP)!r}); "
        "module['system_package']('chromium', 'the tests drive the pages with it')"
    )
    refused = subprocess.run(
        [sys.executable, "-c", code], env={"PATH": "/nowhere"}, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert "sudo apt-get install -y --no-install-recommends chromium" in refused.stderr


def test_a_setting_that_is_wrong_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "FITTINGROOM_HOME": str(tmp_path), "PORT": "many"}
    refused = subprocess.run(
        [sys.executable, "-m", "workers.stack"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert refused.returncode == 1
    assert "PORT" in refused.stderr
    assert "Traceback" not in refused.stderr
