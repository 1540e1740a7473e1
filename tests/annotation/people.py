"""Scripted annotators: they log in under their own accounts and answer through the real API."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from annotation.push import Invitation


class Person:
    """One annotator's browser without the screen."""

    def __init__(self, invitation: Invitation) -> None:
        self.url, _, rest = invitation.address.partition("/projects/")
        self.project = int(rest.split("/")[0])
        self.browser = httpx.Client(base_url=self.url, follow_redirects=True, timeout=60)
        page = self.browser.get("/user/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {
            "email": invitation.email,
            "password": invitation.password,
            "csrfmiddlewaretoken": token[1],
            "persist_session": "on",
        }
        answer = self.browser.post("/user/login/", data=form, headers={"Referer": f"{self.url}/user/login/"})
        assert answer.url.path != "/user/login/", f"{invitation.email} cannot log in"

    def next_task(self) -> dict[str, Any] | None:
        """The task that the label stream shows now."""
        answer = self.browser.get(f"/api/projects/{self.project}/next")
        if answer.status_code == 404:
            return None
        task: dict[str, Any] = answer.raise_for_status().json()
        return task

    def submit(
        self,
        task: dict[str, Any],
        ranking: Sequence[str] | None = None,
        status: str = "ranked",
        seconds: float | None = 20.0,
        unplaced: Sequence[str] = (),
        **changes: Any,
    ) -> dict[str, Any]:
        """Send what the page sends. ``ranking`` None takes the candidates as they are shown."""
        ids = [candidate["id"] for candidate in task["data"]["candidates"]]
        order = list(ids if ranking is None else ranking)
        result = [
            {
                "from_name": "order",
                "to_name": "candidates",
                "type": "ranker",
                "value": {"ranker": {"_": list(unplaced), "ranking": order}},
            },
            {
                "from_name": "status",
                "to_name": "reference",
                "type": "choices",
                "value": {"choices": [status]},
            },
        ]
        content = {"result": result, "lead_time": seconds} | changes
        annotation: dict[str, Any] = self.call("POST", f"/api/tasks/{task['id']}/annotations/", content)
        return annotation

    def choose(
        self, task: dict[str, Any], choices: Mapping[str, str], seconds: float | None = 20.0
    ) -> dict[str, Any]:
        """Send what the pages of checks and preferences send: a choice for each name."""
        result = [
            {
                "from_name": name,
                "to_name": {"better": "clips"}.get(name, f"clip_{name}"),
                "type": "choices",
                "value": {"choices": [choice]},
            }
            for name, choice in choices.items()
        ]
        content = {"result": result, "lead_time": seconds}
        annotation: dict[str, Any] = self.call("POST", f"/api/tasks/{task['id']}/annotations/", content)
        return annotation

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> Any:
        headers = {"X-CSRFToken": self.browser.cookies.get("csrftoken") or "", "Referer": self.url}
        answer = self.browser.request(method, path, json=content, headers=headers).raise_for_status()
        return answer.json() if answer.content else None
