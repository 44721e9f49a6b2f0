"""Read an upload into a version of a data set.

Input ``upload``: the one file that was uploaded. Parameters: ``filename`` as the sender named it,
``mapping`` as JSON. Output: canonical shards, ``rejects.parquet``, ``version.json``.
"""

import resource
import sys
from collections.abc import Sequence

from ml.contract.job import Job
from ml.contract.outcome import StepRefused, run_program
from ml.contract.pace import Pace
from ml.data.canonical import Row
from ml.data.importing import Upload, import_upload
from ml.data.mapping import parse
from ml.data.summary import LIMITS, CountTokens
from ml.features.bundled import bundled_directory
from ml.features.composition import ReviewInput
from ml.features.tokenization import ReviewTokenizer

MEMORY = 6 << 30
READ_CHARACTERS = 20_000  # of a text whose tokens are counted: more than any model reads


def token_counter() -> CountTokens | None:
    """By the tokenizer of the bundled encoder, as title and text; None where it is not installed."""
    directory = bundled_directory()
    if directory is None:
        return None
    tokenizer = ReviewTokenizer(directory / "tokenizer.json", ("text", "title"), max(LIMITS))

    def count(rows: Sequence[Row]) -> list[int]:
        reviews = [
            ReviewInput(row.text[:READ_CHARACTERS], (row.title or "")[:READ_CHARACTERS]) for row in rows
        ]
        return [encoded.tokens for encoded in tokenizer.encode(reviews)]

    return count


def main() -> None:
    # Of everything a file may unpack to, this process takes so much and no more (see ml.data.apart).
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    job = Job.from_environment()
    files = [path for path in job.channel("upload").iterdir() if path.is_file()]
    if len(files) != 1:
        raise StepRefused(f"The upload holds {len(files)} files, not one.", "Upload the file again.")
    upload = Upload(files[0], job.text("filename"), parse(job.text("mapping")), count_tokens=token_counter())
    version = import_upload(upload, job.output_dir, Pace())
    print(f"{version['rows']} rows, {version['rejected']} rejected")  # noqa: T201 - the step's log


if __name__ == "__main__":
    sys.exit(run_program(main))
