"""A real HTTP server on this machine that records what it is asked, bills for it and fails on command.

Knows no vendor: a subclass answers requests and says what each answer costs.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from data.paid import Usage

DRIBBLE_PIECES = 16
PAUSE_SECONDS = 0.02  # between pieces; the wait ends at once when the server stops


class Strict(BaseModel):
    """A part of a vendor's published request schema: unknown fields and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


StrictT = TypeVar("StrictT", bound=Strict)


@dataclass(frozen=True)
class Request:
    """A request as it came; names of ``headers`` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key")


@dataclass(frozen=True)
class Billed:
    """What the vendor charges for one answer."""

    model: str
    usage: Usage
    response_id: str
    idempotency_key: str | None = None
    discount: float = 0.0


@dataclass(frozen=True)
class Answer:
    """What goes back. ``bills`` has one entry for each answer that is charged, none for errors."""

    body: Mapping[str, Any] | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    bills: tuple[Billed, ...] = ()

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Fault:
    """One way to fail.

    ``refuse`` answers with ``status``, ``headers`` and ``body`` and charges nothing.  All others carry
    the request out, charge for it, and spoil the answer on its way: ``hang`` sends nothing until
    ``release``, ``reset`` breaks the connection in the middle of the body, ``truncated`` ends the JSON
    early in an answer that is whole to HTTP, ``malformed`` is no JSON at all, ``dribble`` is right but
    comes in many pieces, ``endless`` begins with blanks that end with ``release``.
    """

    kind: Literal["refuse", "hang", "reset", "truncated", "malformed", "dribble", "endless"]
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


class BadRequest(Exception):
    """The request breaks the published schema; the message says where."""


class ProtocolServer(ABC):
    """Serves from ``with`` to its end; ``url`` is its root, without a slash at the end.

    ``requests`` has every request, ``billed`` every charge.  A request with an ``Idempotency-Key`` that
    was charged before gets the same answer again, free.  Leaving the block raises ``AssertionError``
    when a request broke the schema or this server broke down, unless ``complaints`` was emptied.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.billed: list[Billed] = []
        self.complaints: list[str] = []
        self._faults: list[tuple[str, Fault]] = []
        self._replays: dict[tuple[str, str], tuple[bytes, Answer]] = {}
        self._lock = Lock()
        self._released = Event()
        self._http: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """What the vendor says; called by one thread at a time. ``BadRequest`` for a breach of the schema."""

    def refusal(self, message: str) -> Answer:
        """What the vendor sends for a request that breaks the schema."""
        return Answer({"error": {"message": message}}, status=400)

    def fail_next(self, *faults: Fault, on: str = "") -> None:
        """The next requests whose path contains ``on`` meet ``faults``, one each."""
        with self._lock:
            self._faults.extend((on, fault) for fault in faults)

    def release(self) -> None:
        """Lets go of everything that hangs, now and from now on."""
        self._released.set()

    @property
    def url(self) -> str:
        assert self._http is not None, "the server runs inside `with` only"
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._http = _Http(self)
        self._thread = Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._http is not None
        assert self._thread is not None
        self.release()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        if kind is None and self.complaints:
            raise AssertionError("\n".join(self.complaints))

    def parsed(self, model: type[StrictT], content: bytes) -> StrictT:
        """``content`` as ``model``; ``BadRequest`` for JSON that is not exactly that."""
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise BadRequest(f"{model.__name__}: {error}") from error

    def _respond(self, request: Request) -> tuple[Answer, Fault | None]:
        with self._lock:
            self.requests.append(request)
            fault = self._next_fault(request.path)
            if fault is not None and fault.kind == "refuse":
                return Answer(fault.body, fault.status, fault.headers), None
            return self._carried_out(request), fault

    def _carried_out(self, request: Request) -> Answer:
        key = (request.path, request.idempotency_key or "")
        if key in self._replays:
            body, answer = self._replays[key]
            if body != request.body:
                self.complaints.append(
                    f"{request.path}: another body under the same Idempotency-Key {key[1]}"
                )
            return answer
        try:
            answer = self.answer(request)
        except BadRequest as error:
            self.complaints.append(f"{request.method} {request.path}: {error}")
            return self.refusal(str(error))
        self.billed.extend(answer.bills)
        if answer.bills and request.idempotency_key:
            self._replays[key] = (request.body, answer)
        return answer

    def _next_fault(self, path: str) -> Fault | None:
        for index, (on, fault) in enumerate(self._faults):
            if on in path:
                del self._faults[index]
                return fault
        return None


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # joined at the end, so that no test leaves a thread to the next

    def __init__(self, owner: ProtocolServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that was killed or ran out of patience is part of the tests.
        if not isinstance(sys.exception(), ConnectionError):
            self.owner.complaints.append(traceback.format_exc())


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        # One request a connection: nothing waits for a client that keeps its connection open.
        self.close_connection = True
        answer, fault = self.server.owner._respond(request)
        self._send(answer, fault.kind if fault else "none")

    def _send(self, answer: Answer, spoiled: str) -> None:
        content = answer.content
        if spoiled == "hang":
            self.server.owner._released.wait()
        if spoiled == "truncated":
            content = content[: len(content) // 2]
        if spoiled == "malformed":
            content = b"<html>not what you asked for</html>"
        self.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            self.send_header(name, value)
        if spoiled != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        if spoiled == "reset":
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            # Closing with a zero linger sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif spoiled == "dribble":
            step = max(1, len(content) // DRIBBLE_PIECES)
            for start in range(0, len(content), step):
                self.wfile.write(content[start : start + step])
                self.server.owner._released.wait(PAUSE_SECONDS)
        elif spoiled == "endless":
            while not self.server.owner._released.wait(PAUSE_SECONDS):
                self.wfile.write(b" ")
            self.wfile.write(content)
        else:
            self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve  # noqa: N815
