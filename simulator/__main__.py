"""``python -m simulator --port 0 [--home DIR] [--grace SECONDS]`` serves until SIGTERM."""

import argparse
import contextlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from types import FrameType
from typing import Any

HOST = "127.0.0.1"
# moto's answers to some requests look for credentials as any client does; these are never sent anywhere.
ALONE = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_ACCESS_KEY_ID": "simulated",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_DEFAULT_REGION": "us-east-1",
    # Otherwise moto looks ids up for instance types and the like on first use, and draws them at random.
    "MOTO_ALLOW_NONEXISTENT_REGION": "true",
    # Larger objects lie in temporary files: a few models would fill the memory.
    "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(1 << 20),
}


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--home", type=Path, help="where containers live; without it a temporary directory")
    parser.add_argument("--bucket", help="a bucket that is there from the start")
    parser.add_argument("--grace", type=float, default=120.0, help="seconds between SIGTERM and the kill")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    wanted = options(arguments)
    os.environ.update(ALONE)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    home = wanted.home or Path(tempfile.mkdtemp(prefix="simulator-"))
    try:
        serve(wanted.port, home.resolve(), wanted.grace, wanted.bucket)
    finally:
        if wanted.home is None:
            shutil.rmtree(home, ignore_errors=True)
    return 0


def serve(port: int, home: Path, grace_seconds: float, bucket: str | None = None) -> None:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from simulator.core import State, load_operations
    from simulator.server import Application

    class Quiet(MotoRequestHandler):
        protocol_version = "HTTP/1.1"  # clients keep their connections

        def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
            """A fault that was asked for: the client finds a closed connection at once."""
            self.close_connection = True

        def log(self, *_words: object) -> None:
            """One line a request would bury what matters."""

    hardest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hardest, hardest))  # each such object keeps its file open
    load_operations()
    home.mkdir(parents=True, exist_ok=True)
    state = State(home=home, grace_seconds=grace_seconds)
    server = make_server(HOST, port, Application(state), threaded=True, request_handler=Quiet)
    state.endpoint = f"http://{HOST}:{server.server_port}"
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if bucket:
        state.s3.create_bucket(Bucket=bucket)
    with contextlib.suppress(BrokenPipeError):
        print(f"simulator ready on {state.endpoint}", flush=True)  # noqa: T201 - scripts wait for this line
    stopped.wait()
    for end in state.at_exit:
        end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
