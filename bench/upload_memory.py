"""How much the web process grows while it takes a 1 GB CSV file.

``.venv/bin/python -m bench.upload_memory [megabytes]`` brings up the whole product on a home of its own,
uploads made-up reviews through REST, and prints the growth of the web process's peak resident memory, the
seconds, and what the import that follows on the worker took.
"""

import itertools
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from bench.installation import installation

BOUNDARY = "bench"
HEADER = b"review_id,text,rating\n"


def main(megabytes: int) -> None:
    with installation() as product:
        headers = {"Authorization": f"Bearer {product.token}"}
        measure(httpx.Client(base_url=product.url, headers=headers), product.home, megabytes)


def measure(client: httpx.Client, home: str, megabytes: int) -> None:
    web = web_process(home)
    client.get("/api/v1/datasets").raise_for_status()
    before, began = memory(web, "VmRSS"), time.monotonic()
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = client.post("/api/v1/datasets", content=form(megabytes), headers=headers, timeout=900)
    answer.raise_for_status()
    seconds, peak = time.monotonic() - began, memory(web, "VmHWM")
    print(f"upload of {megabytes:,} MB: {seconds:.1f} s")
    print(f"web process: {before:.0f} MB before, peak {peak:.0f} MB, grown by {peak - before:.0f} MB (< 150)")
    began = time.monotonic()
    while (version := client.get("/api/v1/datasets/bench").json())["status"] == "importing":
        time.sleep(1)
    print(f"import: {version['status']}, {version['rows']:,} rows, {time.monotonic() - began:.0f} s")


def form(megabytes: int) -> Iterator[bytes]:
    """The body of the request, a MB at a time, with an id of its own on each row."""
    yield f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="name"\r\n\r\nbench\r\n'.encode()
    disposition = 'Content-Disposition: form-data; name="file"; filename="bench.csv"'
    yield f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode() + HEADER
    numbers = itertools.count()
    text = "This dress fits well and the fabric feels soft, but the sleeves are a little long. " * 4
    for _ in range(megabytes):
        piece = b""
        while len(piece) < 1_000_000:
            piece += "".join(f'{n},"{text}",{n % 5 + 1}\n' for n in itertools.islice(numbers, 500)).encode()
        yield piece
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


def web_process(home: str) -> Path:
    """The web process of this home."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            command = (directory / "cmdline").read_bytes()
            ours = home.encode() in (directory / "environ").read_bytes()
        except OSError:
            continue
        if ours and b"app.serve" in command and b"warden" not in command:
            return directory
    raise SystemExit("no web process was found")


def memory(process: Path, name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+) kB", (process / "status").read_text())
    assert found
    return int(found[1]) / 1000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
