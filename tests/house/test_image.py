"""The Dockerfile installs what ``make run`` installs, by the same pins, and nothing that only tests need."""

import importlib.util
import re
import shlex
import tomllib
from types import ModuleType

import pytest

from tests.programs.compose import ROOT, Instruction, image_environment, instructions

ALL = instructions()
FINAL = "fittingroom"
WORDS = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "LABEL", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


@pytest.fixture(scope="module")
def bootstrap() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "bin" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def of(stage: str, word: str) -> list[Instruction]:
    return [each for each in ALL if (each.stage, each.word) == (stage, word)]


def pip_installs() -> list[list[str]]:
    """The words behind each ``pip install``, in order."""
    runs = " ; ".join(each.rest for each in of("packages", "RUN"))
    parts = re.split(r"\s*(?:;|&&)\s*", runs)
    found = [shlex.split(part.partition("pip install")[2]) for part in parts if "pip install" in part]
    return [[word for word in words if word != "fi"] for words in found]


def test_every_instruction_is_one_and_every_shell_line_can_be_read() -> None:
    assert {each.word for each in ALL} <= WORDS
    for each in ALL:
        assert shlex.split(each.rest), each
    assert [each.stage for each in ALL if each.word == "FROM"] == ["browser-files", "packages", FINAL]


def test_the_base_images_are_pinned_and_of_the_version_that_make_run_asks_for(bootstrap: ModuleType) -> None:
    bases = dict(each.rest.split("=", 1) for each in ALL if each.stage == "" and each.word == "ARG")
    assert re.fullmatch(r"node:\d+\.\d+\.\d+-bookworm-slim", bases["NODE_IMAGE"])
    version = re.fullmatch(r"python:(\d+)\.(\d+)\.\d+-slim-bookworm", bases["PYTHON_IMAGE"])
    assert version
    assert tuple(map(int, version.groups())) == bootstrap.WANTED
    stages = [each.rest for each in ALL if each.word == "FROM"]
    assert all(stage.startswith(("${NODE_IMAGE}", "${PYTHON_IMAGE}")) for stage in stages)


def test_torch_comes_first_alone_and_at_the_pinned_version(bootstrap: ModuleType) -> None:
    cuda, cpu = pip_installs()[:2]
    assert cuda == ["--no-deps", bootstrap.TORCH]
    assert cpu == ["--no-deps", "--index-url", "$TORCH_CPU_INDEX", bootstrap.TORCH]
    arguments = dict(each.rest.split("=", 1) for each in of("packages", "ARG"))
    assert arguments == {"FITTINGROOM_TORCH": "cpu", "TORCH_CPU_INDEX": bootstrap.TORCH_CPU_INDEX}


def test_everything_else_is_held_by_the_constraints_and_no_extra_is_installed(bootstrap: ModuleType) -> None:
    rest = pip_installs()[2:]
    pinned = ["-c", "constraints.txt"]
    assert rest == [
        [*pinned, "setuptools"],
        [*pinned, "--no-build-isolation", "."],
        [*pinned, "--no-deps", bootstrap.ENCODER],
    ]


def test_the_browser_files_are_those_of_make_run(bootstrap: ModuleType) -> None:
    text = " ".join(each.rest for each in of("browser-files", "RUN"))
    copied = dict(re.findall(r"cp node_modules/(\S+) vendor/(\S+)", text))
    assert copied == bootstrap.FRONT_END
    assert "npm ci" in text
    assert "--omit=dev" in text
    assert "--ignore-scripts" in text


def test_what_is_copied_is_there_and_let_through_to_the_builder() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    sources = set()
    for each in ALL:
        if each.word == "COPY" and "--from=" not in each.rest:
            sources |= {source.removeprefix("./") for source in each.rest.split()[:-1]}
    for source in sources:
        assert (ROOT / source).exists(), source
    assert sources == allowed, "the builder is given exactly what is copied"


def test_the_image_holds_every_package_and_directory_that_runs() -> None:
    copied = {each.rest.split()[0] for each in of(FINAL, "COPY") if "--from=" not in each.rest}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages - {"simulator"} <= copied, "what plays AWS is no part of what runs against it"
    assert {"templates", "static", "migrations"} <= copied
    assert not {"tests", "bench", "docs", "bin", "simulator"} & copied


def test_it_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    assert of(FINAL, "USER")[0].rest == "10001:10001"
    order = [each.word for each in ALL if each.stage == FINAL]
    assert order.index("USER") < order.index("CMD")
    assert '"app.probe"' in of(FINAL, "HEALTHCHECK")[0].rest
    labels = of(FINAL, "LABEL")[0].rest
    for name in ("title", "version", "revision", "licenses"):
        assert f"org.opencontainers.image.{name}=" in labels
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"VERSION={version}" in [each.rest for each in of(FINAL, "ARG")]
    assert f"FITTINGROOM_VERSION={version}\n" in (ROOT / ".env.example").read_text()


def test_programs_that_forget_the_environment_find_the_sources_all_the_same() -> None:
    """A step's program starts elsewhere, with -P and few variables: PYTHONPATH would not reach it."""
    assert "PYTHONPATH" not in image_environment()
    (home,) = of(FINAL, "WORKDIR")
    paths = [each.rest for each in of("packages", "RUN") if ".pth" in each.rest]
    assert paths
    assert f"echo {home.rest} >" in paths[0]
    assert "purelib" in paths[0]
