"""A real installation, driven from outside: broker, web and worker, started as ``make run`` starts them."""

import csv
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
FITTINGROOM = Path(sys.executable).with_name("fittingroom")
PATIENCE_SECONDS = 600


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Product:
    """A running installation, used from outside only."""

    home: Path
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    reader: threading.Thread | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cli(self, *arguments: str, role: str = "editor", timeout: float = PATIENCE_SECONDS) -> Answer:
        environment = {
            **os.environ,
            **self.settings,
            "FITTINGROOM_HOME": str(self.home),
            "FITTINGROOM_URL": self.url,
            "FITTINGROOM_TOKEN": self.tokens.get(role, ""),
            "NO_COLOR": "1",
        }
        done = subprocess.run(
            [str(FITTINGROOM), *arguments], env=environment, capture_output=True, text=True, timeout=timeout
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def api(self, role: str = "editor") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)

    def run(self, dataset: str, **parameters: object) -> Any:
        """Start a small run, wait for its end, return its JSON whatever the end was."""
        answer = self.cli(*start_arguments(dataset, **parameters), "--wait", "-o", "json")
        assert answer.out, answer.err
        return answer.json


def small_training(encoder: Path) -> dict[str, Any]:
    """A real training that takes seconds: the real encoder cut to two layers, short texts, one pass.

    The margin over guessing is off: on some sixty test rows its interval says nothing.
    """
    return {"encoder": encoder, "max_seq_length": 64, "min_accuracy_value": 0.34, "min_macro_f1_margin": -1}


def start_arguments(dataset: str, **parameters: object) -> list[str]:
    pairs = [f"{name}={value}" for name, value in parameters.items()]
    return [
        *("run", "start", "--dataset", dataset, "--recipe", "quick"),
        *(part for pair in pairs for part in ("--param", pair)),
    ]


def wait_for(condition: Any, what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_product(home: Path, **settings: str) -> Product:
    port = _free_port()
    environment = {
        **os.environ,
        "FITTINGROOM_HOME": str(home),
        "PORT": str(port),
        "FITTINGROOM_LEASE_SECONDS": "20",
        **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "workers.stack"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    product = Product(home, port, process, settings=settings)

    def read() -> None:
        assert process.stdout is not None
        with process.stdout as output:
            product.lines.extend(output)

    product.reader = threading.Thread(target=read, daemon=True)
    product.reader.start()
    ready = f"ready {product.url}"
    wait_for(
        lambda: process.poll() is not None or any(line.strip() == ready for line in list(product.lines)),
        "the product became ready",
    )
    assert process.poll() is None, "".join(product.lines)
    for role in ("viewer", "editor", "approver"):
        made = product.cli("token", "create", "--role", role)
        assert made.code == 0, made.err
        product.tokens[role] = made.out.split()[-1]
    return product


def stop_product(product: Product) -> None:
    product.process.send_signal(signal.SIGTERM)
    try:
        product.process.wait(60)
    except subprocess.TimeoutExpired:
        product.process.kill()
        raise
    assert product.reader is not None
    product.reader.join(10)


def write_subset(sample: Path, target: Path, each: int, shuffle_ratings: bool = False) -> Path:
    groups: dict[int, list[dict[str, str]]] = defaultdict(list)
    with sample.open(encoding="utf-8", newline="") as source:
        rows = csv.DictReader(source)
        for row in rows:
            if row["Review Text"].strip():
                groups[(int(row["Rating"]) > 2) + (int(row["Rating"]) > 3)].append(row)
        columns = list(rows.fieldnames or [])
    chosen = [row for group in groups.values() for row in group[:each]]
    if shuffle_ratings:
        ratings = [row["Rating"] for row in chosen]
        random.Random(7).shuffle(ratings)
        chosen = [{**row, "Rating": rating} for row, rating in zip(chosen, ratings, strict=True)]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(chosen)
    return target
