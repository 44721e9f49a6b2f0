"""S3's own: what is asked of it, what becomes of a connection that breaks, and what it refuses."""

import errno
import os
import socket
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from app.core.errors import Conflict
from app.core.settings import Settings
from app.core.storage import Storage, StorageAway, StorageRefused, StoredFile, check_at_start, open_storage
from app.core.storage.s3 import S3Storage
from tests.programs.cutting import Proxy, proxying
from tests.programs.s3 import CREDENTIALS, PAGE, S3Server, serving_s3
from tests.programs.twins import PART_BYTES, s3_storage

CONTENT = os.urandom(700_000)


@pytest.fixture
def place(s3: S3Server) -> str:
    return s3.create()


@pytest.fixture
def storage(s3: S3Server, place: str, tmp_path: Path) -> S3Storage:
    return s3_storage(place, tmp_path / "here", s3.endpoint)


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[Proxy]:
    with proxying(s3.endpoint) as proxy:
        yield proxy


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def files_in(directory: Path) -> list[str]:
    return [path.name for path in directory.rglob("*") if path.is_file()]


def test_a_storage_is_opened_as_the_settings_say(s3: S3Server, place: str, tmp_path: Path) -> None:
    storage = open_storage(Settings(home=tmp_path, storage=place, s3_endpoint=s3.endpoint))
    stored = storage.put_bytes(b"weights")
    assert s3.content(place, stored.sha256) == b"weights"


def test_a_bucket_without_a_prefix_will_do(s3: S3Server, place: str, tmp_path: Path) -> None:
    bucket = urlsplit(place).netloc
    storage = open_storage(Settings(home=tmp_path, storage=f"s3://{bucket}", s3_endpoint=s3.endpoint))
    stored = storage.put_bytes(b"weights")
    listed = s3.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [each["Key"] for each in listed] == [f"blobs/{stored.sha256[:2]}/{stored.sha256}"]
    assert [blob.sha256 for blob in storage.blobs()] == [stored.sha256]


def test_other_objects_below_the_prefix_are_nobodys_business(
    s3: S3Server, place: str, storage: S3Storage
) -> None:
    stored = storage.put_bytes(b"weights")
    for key in ("main/blobs/README", "main/blobs/ab/note.txt", "main/else", "other/blobs/" + "0" * 64):
        s3.client().put_object(Bucket=urlsplit(place).netloc, Key=key, Body=b"mine")
    assert [blob.sha256 for blob in storage.blobs()] == [stored.sha256]


def test_more_blobs_than_one_answer_holds_are_listed(storage: S3Storage) -> None:
    hashes = {storage.put_bytes(str(number).encode()).sha256 for number in range(2 * PAGE + 1)}
    assert {blob.sha256 for blob in storage.blobs()} == hashes


def test_an_upload_carries_its_sha256(s3: S3Server, place: str, storage: S3Storage) -> None:
    stored = storage.put_bytes(CONTENT)
    head = s3.client().head_object(
        Bucket=urlsplit(place).netloc,
        Key=f"main/blobs/{stored.sha256[:2]}/{stored.sha256}",
        ChecksumMode="ENABLED",
    )
    assert b64decode(head["ChecksumSHA256"]).hex() == stored.sha256


def test_a_large_file_that_changed_while_it_was_sent_is_nowhere(
    s3: S3Server, place: str, storage: S3Storage, tmp_path: Path
) -> None:
    source = tmp_path / "large"
    source.write_bytes(b"x" * (PART_BYTES + 1))
    with pytest.raises(Conflict, match="changed while it was being stored"):
        storage.put_file(source, sha256="0" * 64, move=True)
    assert source.exists()
    assert list(storage.blobs()) == []
    assert "Uploads" not in s3.client().list_multipart_uploads(Bucket=urlsplit(place).netloc)


def test_what_a_machine_has_fetched_it_reads_without_asking_again(
    s3: S3Server, place: str, storage: S3Storage, tmp_path: Path
) -> None:
    stored = storage.put_bytes(CONTENT)
    s3.client().delete_object(
        Bucket=urlsplit(place).netloc, Key=f"main/blobs/{stored.sha256[:2]}/{stored.sha256}"
    )
    assert storage.read_bytes(stored.sha256) == CONTENT
    assert not storage.has(stored.sha256)


def test_a_damaged_copy_is_fetched_again_before_a_step_reads_it(storage: S3Storage, tmp_path: Path) -> None:
    stored = storage.put_bytes(CONTENT)
    copy = storage.local_path(stored.sha256)
    copy.chmod(0o644)
    copy.write_bytes(b"no longer")
    tree = storage.put_manifest([StoredFile("weights", stored.sha256, len(CONTENT))])
    storage.materialize(tree, tmp_path / "channel")
    assert (tmp_path / "channel" / "weights").read_bytes() == CONTENT


def test_a_copy_that_is_just_replaced_by_an_equal_one_is_laid_out_all_the_same(
    storage: S3Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux finds no such file when a rename comes between looking a path up and linking it: of 20,000 links
    beside two threads that rename, up to 27 failed. Here the first one does."""
    link, failed = os.link, list[str]()

    def linked(path: Path, target: Path) -> None:
        if not failed:
            failed.append(str(path))
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        link(path, target)

    monkeypatch.setattr(os, "link", linked)
    stored = storage.put_bytes(CONTENT)
    tree = storage.put_manifest([StoredFile("weights", stored.sha256, stored.size)])
    storage.materialize(tree, tmp_path / "channel")
    assert failed
    assert (tmp_path / "channel" / "weights").read_bytes() == CONTENT


def test_a_download_that_breaks_is_begun_again(
    place: str, storage: S3Storage, proxy: Proxy, tmp_path: Path
) -> None:
    stored = storage.put_bytes(CONTENT)
    elsewhere = s3_storage(place, tmp_path / "there", proxy.endpoint)
    proxy.after, proxy.times = 100_000, 2
    assert elsewhere.read_bytes(stored.sha256) == CONTENT
    assert proxy.cut == 2


def test_a_download_that_always_breaks_leaves_nothing_half_made(
    place: str, storage: S3Storage, proxy: Proxy, tmp_path: Path
) -> None:
    stored = storage.put_bytes(CONTENT)
    elsewhere = s3_storage(place, tmp_path / "there", proxy.endpoint)
    proxy.after, proxy.times = 100_000, 1000
    for ask in (elsewhere.local_path, elsewhere.verify, elsewhere.checked_path, elsewhere.read_bytes):
        with pytest.raises(StorageAway, match="S3 does not answer"):
            ask(stored.sha256)
    assert files_in(tmp_path / "there") == []
    proxy.times = 0
    assert elsewhere.read_bytes(stored.sha256) == CONTENT


@pytest.mark.parametrize(
    "ask",
    [
        lambda storage, path: storage.check(),
        lambda storage, path: storage.put_file(path),
        lambda storage, path: storage.put_file(path, move=True),
        lambda storage, path: storage.has("0" * 64),
        lambda storage, path: storage.local_path("0" * 64),
        lambda storage, path: storage.open("0" * 64),
        lambda storage, path: storage.verify("0" * 64),
        lambda storage, path: storage.remove("0" * 64),
        lambda storage, path: list(storage.blobs()),
    ],
    ids=["check", "put", "move", "has", "local_path", "open", "verify", "remove", "blobs"],
)
def test_a_server_that_is_away_is_told_with_what_to_do(
    s3: S3Server, tmp_path: Path, ask: Callable[[Storage, Path], object]
) -> None:
    (tmp_path / "weights").write_bytes(CONTENT)
    storage = s3_storage("s3://bucket/main", tmp_path / "here", nobody())
    with pytest.raises(StorageAway, match="S3 does not answer") as away:
        ask(storage, tmp_path / "weights")
    assert away.value.status == 503
    assert "FITTINGROOM_S3_ENDPOINT" in away.value.advice
    assert not isinstance(away.value, StorageRefused)
    assert (tmp_path / "weights").exists()
    assert files_in(tmp_path / "here") == []


def test_a_process_starts_while_the_storage_is_away(s3: S3Server, tmp_path: Path) -> None:
    check_at_start(s3_storage("s3://bucket/main", tmp_path, nobody()))


@pytest.fixture(scope="module")
def strict() -> Iterator[tuple[S3Server, str, dict[str, str]]]:
    """A server that asks who is there: it, a place, and the keys of somebody who has no rights."""
    with serving_s3() as server:
        place = server.create()
        session = boto3.session.Session(*CREDENTIALS.values(), region_name="us-east-1")
        iam = session.client("iam", endpoint_url=server.endpoint)
        iam.create_user(UserName="poor")
        key = iam.create_access_key(UserName="poor")["AccessKey"]
        server.order("/moto-api/reset-auth", "0")
        yield server, place, {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


REFUSALS = {
    "an unknown key": ("AKIANOBODY", "anything", "does not accept the credentials", "AWS_ACCESS_KEY_ID"),
    "a wrong secret": ("{id}", "wrong-secret", "does not accept the credentials", "AWS_ACCESS_KEY_ID"),
    "no rights": ("{id}", "{secret}", "give no right to the bucket", "s3:PutObject"),
    "no credentials": ("", "", "no usable credentials", "AWS_ACCESS_KEY_ID"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_a_person_has_to_mend_is_said_at_the_start(
    strict: tuple[S3Server, str, dict[str, str]],
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
) -> None:
    server, place, key = strict
    identity, secret, message, advice = REFUSALS[case]
    for name, value in zip(CREDENTIALS, (identity.format(**key), secret.format(**key)), strict=True):
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    with pytest.raises(SystemExit, match=message) as refused:
        check_at_start(s3_storage(place, tmp_path, server.endpoint))
    told = str(refused.value)
    assert advice in told
    assert not any(each in told for each in (key["secret"], "wrong-secret"))


def test_a_bucket_that_is_missing_is_named(s3: S3Server, tmp_path: Path) -> None:
    with pytest.raises(StorageRefused, match="S3 has no bucket 'missing'") as refused:
        s3_storage("s3://missing/main", tmp_path, s3.endpoint).check()
    assert "FITTINGROOM_STORAGE" in refused.value.advice
