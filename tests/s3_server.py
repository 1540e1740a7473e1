"""An S3 service in a process of its own, which can be told to fail: moto's server with faults in front.

python -m tests.s3_server          prints its port, serves on loopback until its input closes
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from moto import settings

from data.bucket import opened

BUCKET = "store"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """What happens to the next ``times`` requests of ``method`` whose path and query hold ``path``.

    ``kind`` is a status and code ("503 SlowDown"), "done, then 500", "reset" (no answer at all), "cut"
    (half of the body, then the connection breaks), "short" (half of what came is kept),
    "unconditional" (as services that do not know conditional puts) or "hang".
    """

    method: str
    path: str
    kind: str
    times: int = 1


class Server:
    """A running server as its tests see it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": "CANARYKEYID",
            "AWS_SECRET_ACCESS_KEY": "canary/secret",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def send(self, method: str, path: str, data: bytes = b"") -> bytes:
        """An unsigned request, as the server also takes them: ``PUT /bucket`` makes a bucket."""
        plain = {"Content-Type": "application/octet-stream"}  # a form's body would not reach moto
        request = urllib.request.Request(self.url + path, data=data, headers=plain, method=method)
        with urllib.request.urlopen(request) as reply:
            answer: bytes = reply.read()
        return answer

    def post(self, path: str, data: bytes = b"") -> bytes:
        return self.send("POST", path, data)

    def fail(self, *faults: Fault) -> None:
        self.post("/faults", json.dumps([asdict(fault) for fault in faults]).encode())

    def log(self) -> list[str]:
        """``METHOD path?query`` of every request since ``reset``, failed ones too."""
        seen: list[str] = json.loads(self.post("/log"))
        return seen

    def reset(self) -> None:
        """No buckets, no faults, no log; every key is welcome."""
        self.post("/moto-api/reset")
        self.post("/reset")

    def keep(self, objects: dict[str, bytes]) -> None:
        """Put objects there without asking, many at once and over what is there."""
        texts = {name: data.decode("latin-1") for name, data in objects.items()}
        self.post("/keep", json.dumps(texts).encode())

    def prepare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty server with one bucket, to which this process and its children are led."""
        self.reset()
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)
        self.send("PUT", f"/{BUCKET}")
        self.post("/forget-log")

    def ask_for_keys(self) -> None:
        """From now on only keys that IAM knows are let in; it knows none."""
        self.post("/ask-for-keys")


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    command = [sys.executable, "-W", "ignore", "-m", "tests.s3_server"]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Server(int(process.stdout.readline()))
        finally:
            opened.cache_clear()  # the next server has another port
            process.stdin.close()
            process.wait(20)


class FaultyApp:
    """moto's WSGI application behind a list of faults. Writes come one at a time, as in S3 they seem to."""

    def __init__(self, app: Callable[[Environ, StartResponse], Iterable[bytes]]) -> None:
        self._app = app
        self._lock, self._write_lock = threading.Lock(), threading.Lock()
        self._faults: list[dict[str, Any]] = []
        self._log: list[str] = []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}"
        match environ["PATH_INFO"]:
            case "/faults":
                with self._lock:
                    self._faults = json.loads(_body(environ))
                start_response("200 OK", [])
                return [b""]
            case "/forget-log":
                with self._lock:
                    self._log = []
                start_response("200 OK", [])
                return [b""]
            case "/log":
                start_response("200 OK", [])
                with self._lock:
                    return [json.dumps(self._log).encode()]
            case "/keep":
                _keep(json.loads(_body(environ)))
                start_response("200 OK", [])
                return [b""]
            case "/ask-for-keys":
                settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
                start_response("200 OK", [])
                return [b""]
            case "/reset":
                settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
                with self._lock:
                    self._faults, self._log = [], []
                start_response("200 OK", [])
                return [b""]
        kind = self._next(environ["REQUEST_METHOD"], path)
        if kind[:1].isdigit():
            return _refuse(environ, start_response, kind)
        match kind:
            case "reset":
                _break(environ)
            case "hang":
                while True:
                    time.sleep(60)
            case "cut":
                return _cut(environ, self._answered(environ), start_response)
            case "done, then 500":
                self._answered(environ)
                return _refuse(environ, start_response, "500 InternalError")
            case "unconditional":
                environ.pop("HTTP_IF_NONE_MATCH", None)
            case "short":
                body = _body(environ)
                kept = body[: len(body) // 2]
                environ |= {"wsgi.input": io.BytesIO(kept), "CONTENT_LENGTH": str(len(kept))}
        status, headers, body = self._answered(environ)
        start_response(status, headers)
        return [body]

    def _answered(self, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
        """The whole answer, so that a write is finished when its lock is let go."""
        got: list[Any] = []
        writes = environ["REQUEST_METHOD"] in ("PUT", "POST", "DELETE")
        with self._write_lock if writes else contextlib.nullcontext():
            body = b"".join(self._app(environ, lambda status, headers, *_: got.extend((status, headers))))
        return got[0], got[1], body

    def _next(self, method: str, path: str) -> str:
        with self._lock:
            if not path.startswith("/moto-api"):
                self._log.append(f"{method} {path}")
            for fault in self._faults:
                if fault["method"] == method and fault["path"] in path and fault["times"] > 0:
                    fault["times"] -= 1
                    return str(fault["kind"])
        return ""


def _body(environ: Environ) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    return body


def _keep(texts: dict[str, str]) -> None:
    from moto.s3.models import s3_backends

    for name, text in texts.items():
        s3_backends["123456789012"]["aws"].put_object(BUCKET, name, text.encode("latin-1"))


def _refuse(environ: Environ, start_response: StartResponse, status: str) -> list[bytes]:
    """An error that repeats who asked, as some services do."""
    told = f"as told to {environ.get('HTTP_AUTHORIZATION')}"
    body = f"<Error><Code>{status[4:]}</Code><Message>{told}</Message></Error>".encode()
    start_response(status, [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
    return [body]


def _cut(
    environ: Environ, answer: tuple[str, list[tuple[str, str]], bytes], start_response: StartResponse
) -> Iterator[bytes]:
    status, headers, body = answer
    others = [(name, value) for name, value in headers if name.lower() != "content-length"]
    start_response(status, [*others, ("Content-Length", str(len(body)))])
    yield body[: len(body) // 2]
    _break(environ)


def _break(environ: Environ) -> NoReturn:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def main() -> None:
    import logging

    from moto.moto_server.werkzeug_app import (
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server

    class KeepAlive(MotoRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open between requests, as those of S3 do

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    app = FaultyApp(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=KeepAlive)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
