"""A process that may write what a container of it could write, and nothing else: by a mount namespace.

Everything is read-only but the given directories, and no capability is left, so that also root is refused
like anybody. Where the system does not let us (no namespaces, another kernel), the command runs as it is.
"""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

SCRIPT = """
set -e
mount --make-rprivate /
while [ "$1" != -- ]; do
    mount --bind "$2" "$2"
    [ "$1" = rw ] || mount -o remount,bind,ro "$2"
    shift 2
done
shift
mount -o remount,bind,ro /
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


def confined(command: Sequence[str], writable: Sequence[Path], readable: Sequence[Path] = ()) -> list[str]:
    places = [word for path in writable for word in ("rw", str(path))]
    places += [word for path in readable for word in ("ro", str(path))]
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *user, "--", "sh", "-c", SCRIPT, "sh", *places, "--", *command]


@cache
def can_confine() -> bool:
    """Tried, not guessed: one directory can be written and the one around it can't."""
    with tempfile.TemporaryDirectory() as directory:
        inner = Path(directory, "inner")
        inner.mkdir()
        trial = f"touch {inner}/yes && ! touch {directory}/no"
        try:
            done = subprocess.run(confined(["sh", "-c", trial], [inner]), capture_output=True)
        except FileNotFoundError:
            return False
        return done.returncode == 0 and Path(inner, "yes").exists()
