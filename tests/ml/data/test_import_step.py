"""The import as a worker runs it: a child process under the container contract."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from ml.contract.metrics import ProgressLine, parse_line
from ml.data.sample import write_sample


def start(tmp_path: Path, upload: Path, mapping: str = "{}") -> subprocess.Popen[str]:
    channel = tmp_path / "channel"
    channel.mkdir()
    (channel / "upload").symlink_to(upload)
    for name in ("model", "output", "data"):
        (tmp_path / name).mkdir()
    environment = os.environ | {
        "SM_CHANNELS": '["upload"]',
        "SM_CHANNEL_UPLOAD": str(channel),
        "SM_HPS": json.dumps({"filename": upload.name, "mapping": mapping}),
        "SM_MODEL_DIR": str(tmp_path / "model"),
        "SM_OUTPUT_DIR": str(tmp_path / "output"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "data"),
    }
    command = [sys.executable, "-m", "ml.steps.import_data"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate()
    return process.returncode


def test_the_real_data_set(tmp_path: Path, sample: Path) -> None:
    process = start(tmp_path, sample)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert any(isinstance(parse_line(line), ProgressLine) for line in output.splitlines())
    version = json.loads((tmp_path / "data/version.json").read_text())
    assert (version["rows"], version["rejected"]) == (22_641, 845)
    assert version["label_counts"] == {"-1": 2_370, "0": 2_823, "1": 17_448}
    assert version["reject_reasons"] == {"no text": 845}
    assert version["mapping"]["category"] == "Class Name"
    summary = version["summary"]
    assert summary["ratings"] == {"1": 821, "2": 1549, "3": 2823, "4": 4908, "5": 12540}
    assert summary["without"]["title"] == 2966
    dresses = next(each for each in summary["categories"]["rows"] if each["name"] == "Dresses")
    assert dresses["counts"] == [681, 830, 4634]
    cut = {each["limit"]: each["reviews"] for each in summary["lengths"]["cuts"]}
    assert (cut[128], cut[160]) == (2564, 7)
    rows = pq.read_table(tmp_path / "data/reviews-00000.parquet")
    assert rows.num_rows == 22_641
    assert rows["review_id"][0].as_py() == "0"
    assert pq.read_metadata(tmp_path / "data/rejects.parquet").num_rows == 845


def test_the_generated_sample_is_usable_and_always_the_same(tmp_path: Path) -> None:
    write_sample(tmp_path / "a.csv")
    write_sample(tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert finish(start(tmp_path, tmp_path / "a.csv")) == 0
    version = json.loads((tmp_path / "data/version.json").read_text())
    assert (version["rows"], version["rejected"]) == (600, 0)
    assert min(version["label_counts"].values()) >= 40


def test_a_refusal_ends_with_its_code_and_its_advice(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,rating\na,5\nb,5\n")
    assert finish(start(tmp_path, tmp_path / "one.csv")) == 65
    failure = (tmp_path / "output/failure").read_text()
    assert "one and the same label" in failure
    assert "two classes" in failure


def test_sigterm_stops_the_reading(tmp_path: Path) -> None:
    with (tmp_path / "long.csv").open("w") as file:
        file.write("text,rating\n")
        file.writelines(f"some words about a dress {n},{n % 5 + 1}\n" for n in range(3_000_000))
    process = start(tmp_path, tmp_path / "long.csv")
    assert process.stdout is not None
    process.stdout.readline()  # it has begun
    process.send_signal(signal.SIGTERM)
    assert finish(process) == 143
    assert not (tmp_path / "data/version.json").exists()
