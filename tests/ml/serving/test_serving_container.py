"""The archive that SageMaker serves, run as its container runs it: unpacked, by a process of its own."""

import http.client
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ml.hosts import serve
from ml.pipeline.sagemaker.serving import ModelFile, serving_code, write_archive
from ml.serving import wire
from ml.serving.predictor import Predictor, ReviewInput
from tests.app.registry.artifacts import reviews, write_model

ABOUT = {"name": "clothing", "version": 3}
TEXTS = ["The dress is torn and itchy", "Lovely and soft, a perfect coat", "okay, plain, acceptable"]
PATIENCE_SECONDS = 60


def archive_of(model: Path) -> bytes:
    packed = io.BytesIO()
    files = [
        ModelFile(path.name, path.stat().st_size, lambda path=path: path.open("rb"))
        for path in model.iterdir()
    ]
    write_archive(packed, files, serving_code(), ABOUT)
    return packed.getvalue()


@dataclass
class Container:
    port: int
    process: subprocess.Popen[bytes]

    def ask(
        self, method: str, path: str, body: bytes | None = None, kind: str = wire.JSON
    ) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Content-Type", "")
        finally:
            connection.close()

    def ping(self) -> int:
        try:
            return self.ask("GET", "/ping")[0]
        except ConnectionError:
            return 0

    def predict(self, body: Any) -> Any:
        status, answer, _ = self.ask("POST", "/invocations", json.dumps(body).encode())
        assert status == 200, answer
        return json.loads(answer)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("model") / "files"
    write_model(directory, reviews(), ("text", "title"), 16)
    return directory


def start(root: Path, archive: bytes) -> Container:
    place = root / "opt/ml/model"
    place.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(place, filter="data")
    port = free_port()
    inherited = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    environment = {**inherited, "SIMULATED_ROOT": str(root), "SAGEMAKER_BIND_TO_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "code/serve.py"], cwd=place, env=environment, stderr=subprocess.PIPE
    )
    return Container(port, process)


def free_port() -> int:
    with serve.Server(("127.0.0.1", 0), serve.Model(ABOUT)) as server:
        return int(server.server_address[1])


def wait_for(container: Container, status: int = 200) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while container.ping() != status:
        assert container.process.poll() is None, container.process.stderr.read()  # type: ignore[union-attr]
        assert time.monotonic() < end, "the container did not answer"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def container(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    started = start(tmp_path_factory.mktemp("root"), archive_of(model))
    try:
        wait_for(started)
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def test_the_same_version_makes_the_same_archive(model: Path) -> None:
    assert archive_of(model) == archive_of(model)


def test_it_brings_all_of_our_code_that_it_imports_and_nothing_heavy(model: Path, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive_of(model))) as opened:
        opened.extractall(tmp_path, filter="data")
    program = (
        "import sys; sys.path.insert(0, 'code'); import inference; "
        "print([m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'ml' and m.__file__]); "
        "print([n for n in ('torch', 'transformers', 'sklearn', 'pandas', 'pyarrow') if n in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True)
    places, heavy = ran.stdout.decode().splitlines()
    assert heavy == "[]"
    assert places.count(".py") > 5
    assert places.count(str(tmp_path / "code")) == places.count(".py")
    assert "onnxruntime==" in (tmp_path / "code/requirements.txt").read_text()


def test_probabilities_are_the_products_own_bit_for_bit(container: Container, model: Path) -> None:
    own = Predictor.load(model).predict([ReviewInput(text) for text in TEXTS])
    asked = {"inputs": TEXTS, "parameters": {"threshold": 0.99}}
    answer = container.predict(asked)
    assert answer["model"] == ABOUT
    found = [{pair["label"]: pair["score"] for pair in each["scores"]} for each in answer["predictions"]]
    assert found == [dict(each.scores) for each in own]
    assert [each["label"] for each in answer["predictions"]] == [each.label for each in own]
    assert wire.read_answer(json.dumps(answer).encode()) == own


def test_titles_and_the_best_labels_alone(container: Container, model: Path) -> None:
    body = {"inputs": [{"text": TEXTS[0], "title": "Itchy"}], "parameters": {"top_k": 1}}
    (found,) = container.predict(body)["predictions"]
    (own,) = Predictor.load(model).predict([ReviewInput(TEXTS[0], "Itchy")])
    assert found["scores"] == [{"label": own.label, "score": own.scores[own.label]}]


def test_json_lines_exactly_as_the_labs(container: Container, model: Path) -> None:
    body = "".join(json.dumps({"features": [text]}) + "\n" for text in TEXTS).encode()
    status, answer, kind = container.ask("POST", "/invocations", body, "application/jsonlines")
    assert (status, kind) == (200, "application/jsonlines")
    own = Predictor.load(model).predict([ReviewInput(text) for text in TEXTS])
    assert [json.loads(line) for line in answer.splitlines()] == [
        {"probability": each.scores[each.label], "predicted_label": int(each.label)} for each in own
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body: it is no JSON"),
        (b"[1]", "an object with a list of inputs"),
        (b'{"inputs": []}', "there are 0 reviews"),
        (b'{"inputs": ["x", " "]}', "inputs.1.text: the text is empty"),
        (b'{"inputs": ["x", {"txt": "y"}]}', "inputs.1: it is a text, or an object"),
        (b'{"inputs": [{"text": 5}]}', "text and title are texts"),
        (b'{"inputs": ["x"], "parameters": {"top_k": true}}', "parameters.top_k"),
        (b'{"inputs": ["x"], "parameters": {"threshold": NaN}}', "parameters.threshold"),
        (b'{"inputs": ["x"], "inputz": 1}', "inputz: there is no such member"),
        (b"[" * 100_000, "it is no JSON"),
        (json.dumps({"inputs": ["x" * 20_001]}).encode(), "20,000 characters"),
        (json.dumps({"inputs": ["x"] * 65}).encode(), "65 reviews"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_said(container: Container, body: bytes, words: str) -> None:
    status, answer, _ = container.ask("POST", "/invocations", body)
    assert status == 400
    assert words in json.loads(answer)["error"]


@pytest.mark.parametrize(
    "line", [b"\xff", b"{}", b'{"features": []}', b'{"features": ["a"]}\n{"features": 1}']
)
def test_lines_that_cannot_be_read_are_said(container: Container, line: bytes) -> None:
    status, answer, _ = container.ask("POST", "/invocations", line, "application/jsonlines")
    assert status == 400, answer


def test_other_refusals(container: Container) -> None:
    assert container.ask("POST", "/invocations", b"a,b", "text/csv")[0] == 415
    assert container.ask("GET", "/nothing")[0] == 404
    assert container.ask("POST", "/nothing", b"{}")[0] == 404
    connection = http.client.HTTPConnection("127.0.0.1", container.port, timeout=PATIENCE_SECONDS)
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Length", str(wire.BODY_LIMIT + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert container.ping() == 200


def test_callers_that_come_at_once_are_all_answered(container: Container) -> None:
    found: list[Any] = []
    callers = [
        threading.Thread(target=lambda: found.append(container.predict({"inputs": TEXTS}))) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(found) == 8
    assert all(each == found[0] for each in found)


def test_who_would_wait_too_long_is_refused_at_once(model: Path) -> None:
    served = serve.Model(ABOUT)
    served.load(model)
    begun, go_on = threading.Event(), threading.Event()

    class Slow:
        def predict(self, inputs: object) -> list[object]:
            begun.set()
            assert go_on.wait(PATIENCE_SECONDS)
            return []

    served._predictor = Slow()  # type: ignore[assignment]
    first = threading.Thread(target=served.predict, args=([ReviewInput("x")] * serve.WAITING_LIMIT,))
    first.start()
    assert begun.wait(PATIENCE_SECONDS)
    with pytest.raises(serve.Refused) as refusal:
        served.predict([ReviewInput("x")])
    go_on.set()
    first.join()
    assert refusal.value.status == 503
    assert served.predict([ReviewInput("x")]) == []


def test_a_ping_says_503_until_the_model_is_loaded() -> None:
    with serve.Server(("127.0.0.1", 0), serve.Model(ABOUT)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        waiting = Container(int(server.server_address[1]), None)  # type: ignore[arg-type]
        try:
            assert waiting.ping() == 503
            assert waiting.ask("POST", "/invocations", b'{"inputs": ["x"]}')[0] == 503
        finally:
            server.shutdown()
            thread.join()


def test_sigterm_ends_it_with_0_and_a_model_that_cannot_be_loaded_with_1(model: Path, tmp_path: Path) -> None:
    whole = start(tmp_path / "whole", archive_of(model))
    (tmp_path / "cut").mkdir()
    for path in model.iterdir():
        (tmp_path / "cut" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "cut/model.onnx").write_bytes(b"no graph")
    broken = start(tmp_path / "broken", archive_of(tmp_path / "cut"))
    assert broken.process.wait(PATIENCE_SECONDS) == 1
    assert b"The model can't be served: The model's ONNX file is damaged." in broken.process.communicate()[1]
    wait_for(whole)
    whole.process.send_signal(signal.SIGTERM)
    assert whole.process.wait(PATIENCE_SECONDS) == 0
    whole.process.communicate()


def test_in_an_image_of_aws_its_toolkit_finds_the_functions(model: Path, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive_of(model))) as opened:
        opened.extractall(tmp_path, filter="data")
    program = (
        "import sys; sys.path.insert(0, 'code'); import inference as i; m = i.model_fn('.', None); "
        "a = i.input_fn(b'{\"features\": [\"itchy\"]}', 'application/jsonlines'); "
        "print(i.output_fn(i.predict_fn(a, m), 'application/jsonlines')[0], end='')"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=True)
    (own,) = Predictor.load(model).predict([ReviewInput("itchy")])
    expected = {"probability": own.scores[own.label], "predicted_label": int(own.label)}
    assert json.loads(ran.stdout) == expected
