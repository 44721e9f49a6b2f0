"""After a power cut only what was synced is there: so a file is synced before it is renamed to its hash, its
directory after that, and only then does the database name it."""

import json
import shutil
from pathlib import Path

from tests.reliability import scenario_order
from tests.reliability.nursery import open_nursery

SCENARIO = "tests.reliability.scenario_order"


def asked(tmp_path: Path, migrated_home: Path) -> list[list[str]]:
    home = tmp_path / "home"
    shutil.copytree(migrated_home, home)
    with open_nursery([SCENARIO]) as nursery:
        ended = nursery.raise_child(SCENARIO, "act", home)
    assert ended.code == 0, ended.log
    return [json.loads(line) for line in (tmp_path / scenario_order.ORDER).read_text().splitlines()]


def test_c13_a_file_is_synced_then_renamed_then_its_directories_synced_then_named(
    tmp_path: Path, migrated_home: Path
) -> None:
    order = asked(tmp_path, migrated_home)
    renames = [(place, *told[1:]) for place, told in enumerate(order) if told[0] == "rename"]
    renames = [rename for rename in renames if "/blobs/" in rename[2]]
    assert len(renames) > 5
    for place, source, name in renames:
        target = Path(name)
        assert ["sync", source] in order[:place], f"{source} was renamed before it was synced"
        after = order[place:]
        named = after.index(["commit"]) if ["commit"] in after else len(after)
        for directory in (target.parent, target.parent.parent):
            assert ["sync", str(directory)] in after[:named], f"{directory} was not synced before the commit"
