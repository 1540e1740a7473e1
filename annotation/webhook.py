"""Hints that something was answered: a receiver of Label Studio's webhooks, and their registration.

Knows nothing of what was answered, and nobody needs to trust it: a hint only brings the next poll forward.
Whoever forges one causes a poll, and losing them all makes things later. Whoever may read the server's
settings can read the secret, which keeps off everybody else.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from annotation.loopback import ADDRESS
from annotation.studio import ProjectGone, Studio
from annotation.study import Study
from data.errors import BackendUnavailable, ConfigError

SECRET_HEADER = "X-SimMotion-Secret"
MAX_BODY_BYTES = 64 * 1024
_TIMEOUT_SECONDS = 5  # for one request, so that nobody keeps a thread by sending nothing


class Hints:
    """A small HTTP server on a loopback address that notes that something happened, and in which project.

    Open only inside ``with``. Every body is bounded and thrown away unread by us: the project stands in the
    address. Raises ``OSError`` where the address cannot be had, as on systems with but one loopback address.
    """

    def __init__(self, study: Study, host: str = ADDRESS) -> None:
        self.secret = secrets.token_urlsafe(24)
        self.projects: set[int] = set()  # that are registered
        self.path = f"/{study.opaque('hints')}/"
        self._hinted = threading.Event()
        self._server = _Server((host, 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Hints:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, project_id: int) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}{self.path}{project_id}"

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a hint, at most so long; whether one came since the last call that said so."""
        came = self._hinted.wait(timeout_seconds)
        self._hinted.clear()
        return came

    def take(self, path: str, secret: str) -> bool:
        """Note a hint for a project that was registered; False for any other path and without the secret."""
        right = hmac.compare_digest(secret.encode(), self.secret.encode())
        known = any(path == f"{self.path}{own}" for own in tuple(self.projects))  # others add to them
        if right and known:
            self._hinted.set()
        return right and known


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], hints: Hints) -> None:
        self.hints = hints
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Somebody hung up: no trace of it is for the terminal."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT_SECONDS

    def do_POST(self) -> None:
        """The connection is closed after each: what is left of a body is no next request."""
        self.close_connection = True
        self.send_response(self._status())
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()

    def _status(self) -> HTTPStatus:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.LENGTH_REQUIRED
        if len(length) > 9 or int(length) > MAX_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        self.rfile.read(int(length))
        taken = self.server.hints.take(self.path, self.headers.get(SECRET_HEADER, ""))
        return HTTPStatus.NO_CONTENT if taken else HTTPStatus.FORBIDDEN

    def version_string(self) -> str:
        return "simmotion"

    def log_message(self, *_: object) -> None:
        """The terminal belongs to whoever watches."""


def register(studio: Studio, hints: Hints, projects: Iterable[int]) -> None:
    """Have the server send hints of those projects that do not yet; what earlier receivers left is removed.

    Projects that are gone are passed over: a poll tells of them. Raises ``ConfigError`` where the server may
    not call the address, as with a server of others that guards it, and ``BackendUnavailable``.
    """
    for project_id in set(projects) - hints.projects:
        with suppress(ProjectGone):
            for webhook in studio.webhooks(project_id):
                if hints.path in webhook.url:
                    studio.delete_webhook(webhook.webhook_id)
            studio.create_webhook(project_id, hints.url(project_id), {SECRET_HEADER: hints.secret})
            hints.projects.add(project_id)


def unregister(studio: Studio, hints: Hints) -> None:
    """Remove what was registered. What cannot be removed does no harm and is left."""
    with suppress(BackendUnavailable):  # asking for every project would only take longer
        for project_id in hints.projects:
            with suppress(ConfigError):
                for webhook in studio.webhooks(project_id):
                    if webhook.url == hints.url(project_id):
                        studio.delete_webhook(webhook.webhook_id)
