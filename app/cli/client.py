"""The client of one server: bearer token, problem+json into failures, files streamed both ways."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import httpx

from app.cli.failures import BY_STATUS, Exit, Failure
from ml.contract.faults import faultpoint

PREFIX = "/api/v1"
# An upload's answer comes only after the server has read and hashed the whole file.
TIMEOUT = httpx.Timeout(30, read=600, write=600)
CHUNK = 1024 * 1024


def address(*parts: object) -> str:
    """A path of these parts; a name with a space, a slash or a question mark stays one part."""
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def default_url() -> str:
    return os.environ.get("FITTINGROOM_URL") or f"http://127.0.0.1:{os.environ.get('PORT') or 8000}"


class Client:
    """``quiet`` drops the progress that long commands show on standard error."""

    def __init__(self, url: str, token: str | None, quiet: bool) -> None:
        self.url = url.rstrip("/")
        self._quiet = quiet
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # Proxies are for the outside; the server is this machine unless --url says otherwise.
        self._http = httpx.Client(base_url=self.url + PREFIX, headers=headers, timeout=TIMEOUT)

    def get(self, path: str, **query: Any) -> Any:
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._json(self._send("GET", path, params=wanted))

    def post(self, path: str, body: Any = None, **keywords: Any) -> Any:
        return self._json(self._send("POST", path, json=body, **keywords))

    def put(self, path: str, body: Any) -> Any:
        return self._json(self._send("PUT", path, json=body))

    def delete(self, path: str) -> Any:
        return self._json(self._send("DELETE", path))

    def get_all(self, path: str, **query: Any) -> dict[str, Any]:
        """A list with all its pages joined."""
        page = self.get(path, **query)
        items = list(page["items"])
        while page.get("next"):
            page = self.get(path, **query, cursor=page["next"])
            items += page["items"]
        return {"items": items, "total": page.get("total", len(items)), "next": None}

    def text(self, path: str, **query: Any) -> str:
        wanted = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=wanted, headers={"Accept": "text/plain"}).text

    def upload(
        self, path: str, file: IO[bytes], name: str, size: int | None, fields: Mapping[str, str]
    ) -> Any:
        """The fields go first: the server refuses a bad one before it has taken the whole file."""
        counted = _Counted(file, size, Progress(name, size, self._quiet))
        return self._json(self._send("POST", path, data=dict(fields), files={"file": (name, counted)}))

    def download(self, path: str, target: Path, sha256: str | None) -> None:
        """Into a neighbour first, so that an interrupted download never looks whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + ".partial")
        digest = hashlib.sha256()
        with self._streamed(path) as answer, partial.open("wb") as file:
            for chunk in answer.iter_bytes(CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if sha256 and digest.hexdigest() != sha256:
            partial.unlink()
            raise Failure(f"{target.name} arrived with the wrong sha256.", "Download it again.")
        faultpoint("download.rename")
        partial.replace(target)

    def reachable(self) -> bool:
        try:
            return httpx.get(self.url + "/readyz", timeout=3).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    @contextmanager
    def _streamed(self, path: str) -> Iterator[httpx.Response]:
        try:
            with self._http.stream("GET", path) as answer:
                if answer.is_error:
                    answer.read()
                yield _checked(answer)
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _send(self, method: str, path: str, **keywords: Any) -> httpx.Response:
        try:
            return _checked(self._http.request(method, path, **keywords))
        except httpx.TransportError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: httpx.TransportError) -> Failure:
        return Failure(
            f"{self.url} does not answer: {error}",
            "Start the server with make run, or name another one with --url or FITTINGROOM_URL.",
        )

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json() if answer.content else None
        except ValueError:
            raise Failure(
                f"{answer.url} did not answer with JSON.", "Does --url name a Fitting Room server?"
            ) from None


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_error:
        return answer
    code = BY_STATUS.get(answer.status_code, Exit.FAILED)
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    message = problem.get("detail") or problem.get("title") or f"The server answered {answer.status_code}."
    raise Failure(message, _advice(problem, code), code)


def _advice(problem: Mapping[str, Any], code: Exit) -> str:
    advice = [problem.get("advice") or ""]
    if problem.get("errors"):
        advice.append(json.dumps(problem["errors"], ensure_ascii=False))
    if code is Exit.NOT_ALLOWED:
        role = problem.get("needed") or "editor"
        advice.append(
            f"Make a token with: fittingroom token create --role {role}, and set FITTINGROOM_TOKEN."
        )
    if problem.get("request_id"):
        advice.append(f"(request {problem['request_id']})")
    return "\n".join(part for part in advice if part)


class Progress:
    """Bytes sent, on a terminal once a tenth of a second; nothing in a log file."""

    def __init__(self, name: str, size: int | None, quiet: bool) -> None:
        self._name = name
        self._size = size
        self._shown = not quiet and sys.stderr.isatty()
        self._sent = 0
        self._last = 0.0

    def add(self, count: int) -> None:
        self._sent += count
        if self._shown and (time.monotonic() - self._last > 0.1 or count == 0):
            self._last = time.monotonic()
            share = f" {100 * self._sent / self._size:3.0f} %" if self._size else ""
            end = "\n" if count == 0 else ""
            sys.stderr.write(f"\r{self._name}{share} {self._sent / 1e6:.1f} MB sent{end}")
            sys.stderr.flush()


class _Counted:
    """A file that reports what is read from it. ``size`` is None for a pipe: it is sent in chunks.

    httpx would otherwise ask the pipe for its size, be told 0, and promise that to the server.
    """

    def __init__(self, file: IO[bytes], size: int | None, progress: Progress) -> None:
        self._file = file
        self._size = size
        self._progress = progress

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._progress.add(len(chunk))
        return chunk

    def __getattr__(self, name: str) -> Any:
        if self._size is None and name in ("fileno", "seek", "tell"):
            raise AttributeError(name)
        return getattr(self._file, name)
