"""Names of jobs: the same for the same try of a step, and for no other."""

import hashlib
import re

LIMIT = 63  # of a processing or training job's name
DIGEST = 12  # hexadecimal digits: two of a million names are alike once in 560 times


def job_name(run_number: int, step_name: str, step_id: str, fence: int) -> str:
    """A person finds the run and the step in it; the digest makes it unique by the step's id and fence, in
    an account that several installations share, too."""
    digest = hashlib.sha256(f"{step_id}/{fence}".encode()).hexdigest()[:DIGEST]
    head = _plain(f"fittingroom-{run_number}-{step_name}")
    tail = f"-{fence}-{digest}"
    return f"{head[: LIMIT - len(tail)].rstrip('-')}{tail}"


def _plain(text: str) -> str:
    """Only what AWS takes: letters, digits, and hyphens between them."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
