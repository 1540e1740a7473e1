"""What the model hub says of a model: its commit, or that there is none of that name. It keeps no weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from tests.protocol.server import Answer, ProtocolServer, Request

_INFO = re.compile(r"/api/models/(?P<model>[^/]+/[^/]+)(/revision/(?P<revision>[^/]+))?")


class HubServer(ProtocolServer):
    """``commits`` are the models that it knows, each with one revision, ``main``."""

    def __init__(self, commits: Mapping[str, str]) -> None:
        super().__init__()
        self.commits = commits

    def answer(self, request: Request) -> Answer:
        asked = _INFO.fullmatch(request.path)
        if asked is None or asked["model"] not in self.commits:
            return _unknown("RepoNotFound", "Repository not found")
        if asked["revision"] not in (None, "main"):
            return _unknown("RevisionNotFound", f"Invalid rev id: {asked['revision']}")
        return Answer({"id": asked["model"], "sha": self.commits[asked["model"]], "tags": [], "siblings": []})

    def replaces_the_hub(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever asks the hub asks this server from now on."""
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", self.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def _unknown(code: str, message: str) -> Answer:
    return Answer({"error": message}, 404, {"X-Error-Code": code, "X-Error-Message": message})
