"""What docs/api.md promises is what the code has, and what the code has is promised there."""

import re
from pathlib import Path

import pytest
import typer.main

from app.cli.main import app as command_line
from app.core.settings import Settings
from app.main import create

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs" / "api.md").read_text()
DOCUMENTS = sorted(path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def settings_names() -> list[str]:
    prefix = str(Settings.model_config["env_prefix"])
    fields = Settings.model_fields.items()
    return [str(field.validation_alias or f"{prefix}{name}".upper()) for name, field in fields]


@pytest.mark.parametrize("name", settings_names())
def test_every_setting_is_documented(name: str) -> None:
    assert f"| `{name}` |" in API


def commands() -> list[str]:
    found = []
    root = typer.main.get_command(command_line)
    for noun, group in getattr(root, "commands", {}).items():
        verbs = getattr(group, "commands", None)
        found += [f"{noun} {verb}" for verb in verbs] if verbs is not None else [noun]
    return found


@pytest.mark.parametrize("words", commands())
def test_every_command_is_documented(words: str) -> None:
    assert re.search(rf"`{words}[ `]", API)


def test_every_route_is_documented_and_every_documented_one_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FITTINGROOM_HOME", str(tmp_path))
    application = create()
    try:
        paths = application.openapi()["paths"]
    finally:
        application.state.services.close()
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    routes = {route for route in routes if " /api/v1/" in route}
    promised = set(re.findall(r"^\| `((?:GET|POST|PATCH|PUT|DELETE) /api/v1[^` ]*)`", API, re.MULTILINE))
    assert promised - routes == set(), "promised, but not there"
    assert routes - promised == set(), "there, but not promised"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", document.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (document.parent / target).exists(), target


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
