"""``make run SAGEMAKER=sim``: the product beside a simulator of AWS, and when that is refused."""

import os
import signal
from pathlib import Path

import boto3
import pytest

from app.core.settings import Settings
from app.integrations.aws.config import row_of
from tests.workers.test_stack import PATIENCE_SECONDS, belonging_to, free_port, start, until
from workers import simulated
from workers.preflight import Refusal


@pytest.mark.flow
def test_the_product_finds_a_cloud_and_nothing_of_it_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER", "sim")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a secret of somebody")
    started = start(tmp_path / "home", free_port())
    until(started.ready, "ready")
    endpoint = started.lines[0].split("simulated at ")[1].split(";")[0]
    session = boto3.session.Session("any", "thing", region_name=simulated.REGION)
    buckets = session.client("s3", endpoint_url=endpoint).list_buckets()["Buckets"]
    assert [each["Name"] for each in buckets] == [simulated.BUCKET]
    for part in ("app.serve", "celery"):
        words = Path(f"/proc/{started.part(part)}/environ").read_text().split("\0")
        assert f"FITTINGROOM_AWS_ENDPOINT={endpoint}" in words
        assert "AWS_ACCESS_KEY_ID=simulated" in words
        assert not [word for word in words if word.startswith("AWS_SESSION_TOKEN=")]
    started.process.send_signal(signal.SIGTERM)
    assert started.process.wait(PATIENCE_SECONDS) == 0
    assert belonging_to(started.home) == []
    started.reader.join()


def test_settings_are_entered_once_and_those_of_an_account_are_left_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.handlers import open_services

    monkeypatch.setenv("FITTINGROOM_HOME", str(settings.home))
    for _ in range(2):
        simulated.settle(settings)
    services = open_services(settings)
    with services.works.writing() as work:
        row = row_of(work)
        assert row is not None
        assert (row.bucket, row.region, row.role_arn) == (
            simulated.BUCKET,
            simulated.REGION,
            simulated.ROLE,
        )
        row.bucket = "a-real-one"
    services.close()
    with pytest.raises(Refusal, match="a-real-one"):
        simulated.settle(settings)


@pytest.mark.parametrize(
    ("word", "storage", "reason"),
    [("real", None, "SAGEMAKER=real is not known"), ("sim", "s3://bucket/x", "FITTINGROOM_STORAGE")],
    ids=["another-word", "storage"],
)
def test_what_does_not_go_together(settings: Settings, word: str, storage: str | None, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        simulated.check(word, settings.model_copy(update={"storage": storage}))


def test_real_credentials_do_not_reach_a_simulator() -> None:
    given = {"AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "real", "PATH": os.environ["PATH"]}
    made = simulated.environment(8123, given)
    assert "AWS_PROFILE" not in made
    assert made["AWS_ACCESS_KEY_ID"] == "simulated"
    assert made["PATH"] == given["PATH"]
