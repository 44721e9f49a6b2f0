from pathlib import Path

import pytest

from ml.pipeline.program import program_version

FILES = {
    "ml/__init__.py": "",
    "ml/steps/__init__.py": "",
    "ml/steps/train.py": "import json\nfrom ml.training import loop\nfrom ml.data.reading import rows\n",
    "ml/training/__init__.py": "",
    "ml/training/loop.py": "from . import batches\nfrom ..data import reading\n",
    "ml/training/batches.py": "SIZE = 64\n",
    "ml/data/__init__.py": "",
    "ml/data/reading.py": "def rows():\n    from ml.data.late import late\n",
    "ml/data/late.py": "late = 1\n",
    "ml/report.py": "unrelated = 1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


@pytest.mark.parametrize("name", sorted(set(FILES) - {"ml/report.py"}))
def test_an_edit_of_any_reachable_file_changes_the_version(root: Path, name: str) -> None:
    before = program_version("ml.steps.train", root)
    with (root / name).open("a") as file:
        file.write("edited = True\n")
    assert program_version("ml.steps.train", root) != before


def test_an_edit_elsewhere_leaves_the_version(root: Path) -> None:
    before = program_version("ml.steps.train", root)
    (root / "ml/report.py").write_text("unrelated = 2\n")
    (root / "ml/new.py").write_text("")
    assert program_version("ml.steps.train", root) == before


def test_an_installed_package_counts_with_its_version(root: Path) -> None:
    before = program_version("ml.steps.train", root)
    (root / "ml/training/batches.py").write_text("SIZE = 64\nimport numpy\n")
    with_numpy = program_version("ml.steps.train", root)
    (root / "ml/training/batches.py").write_text("SIZE = 64\nimport nothing_installed\n")
    assert len({before, with_numpy, program_version("ml.steps.train", root)}) == 3


def test_the_versions_of_the_real_programs_differ() -> None:
    names = ("import_data", "prepare", "train", "evaluate")
    assert len({program_version(f"ml.steps.{name}") for name in names}) == 4
