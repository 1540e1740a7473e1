"""The one file that speaks to Label Studio: the dozen calls that ranking needs, their errors typed.

Knows nothing of slots, of items or of what an annotation means.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import httpx

from annotation.server import Connection
from data.errors import BackendUnavailable, ConfigError, Throttled
from data.secrets import without_secrets

if TYPE_CHECKING:
    from label_studio_sdk import LabelStudio

_TIMEOUT_SECONDS = 60
_PAGE_ROWS = 500  # small pages are costly: each takes a query of its own


class ProjectGone(ConfigError):
    """A project that was there is not any more: somebody deleted it, or this is another server."""


@dataclass(frozen=True)
class Project:
    """What a project says of itself. ``description`` carries whose it is."""

    project_id: int
    label_config: str
    description: str


@dataclass(frozen=True)
class Webhook:
    """An address that is told when something is answered."""

    webhook_id: int
    url: str


class Studio:
    """A Label Studio server as the holder of one token sees it.

    Every method raises ``ConfigError`` for what only the user can mend (the token, a deleted project, data
    that the server refuses) and ``BackendUnavailable`` for a server that is away, slow or unwell.
    """

    def __init__(self, connection: Connection) -> None:
        from label_studio_sdk import LabelStudio  # a second or more to import

        self.url = connection.url
        # Retries belong to the caller: a POST that was carried out must not be sent again unseen.
        with self._typed("connecting"):
            self._http = httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=True)
            self._client: LabelStudio = LabelStudio(  # type: ignore[no-untyped-call]
                base_url=connection.url, api_key=connection.token, max_retries=0, httpx_client=self._http
            )

    def __enter__(self) -> Studio:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def whoami(self) -> str:
        """The e-mail address of the token's owner."""
        with self._typed("asking who we are"):
            return str(self._client.users.whoami().email)

    def version(self) -> str:
        with self._typed("asking for the version"):
            return str(self._request("GET", "api/version").json()["release"])

    def create_project(
        self, title: str, description: str, label_config: str | None, instruction: str = ""
    ) -> int:
        """A new project for one person, its tasks in the order in which they are imported."""
        settings: dict[str, Any] = {} if label_config is None else {"label_config": label_config}
        with self._typed(f"creating the project {title!r}"):
            made = self._client.projects.create(
                title=title,
                description=description,
                expert_instruction=instruction,
                show_instruction=bool(instruction),
                sampling="Sequential sampling",
                maximum_annotations=1,
                enable_empty_annotation=False,
                show_skip_button=False,
                show_annotation_history=False,
                **settings,
            )
        assert made.id is not None
        return made.id

    def project(self, project_id: int) -> Project:
        """One project. Raises ``ProjectGone``."""
        with self._typed(f"reading project {project_id}", project_id):
            found = self._client.projects.get(id=project_id)
        return Project(project_id, found.label_config or "", found.description or "")

    def projects_by_description(self) -> dict[str, list[int]]:
        """Ids of all projects, oldest first."""
        found: dict[str, list[int]] = {}
        with self._typed("listing projects"):
            projects: Iterable[Any] = self._client.projects.list(
                include="id,description", page_size=_PAGE_ROWS
            )
            for project in sorted(projects, key=lambda project: int(project.id)):
                found.setdefault(project.description or "", []).append(int(project.id))
        return found

    def upload(self, project_id: int, path: Path) -> str:
        """Put a file on the server; returns its address without the host. Raises ``ProjectGone``."""
        with self._typed(f"uploading {path.name}", project_id), path.open("rb") as file:
            answer = self._request(
                "POST",
                f"api/projects/{project_id}/import",
                params={"commit_to_project": "false"},
                files={path.name: (path.name, file)},
            )
            (file_id,) = answer.json()["file_upload_ids"]
            return f"/data/{self._client.files.get(id=file_id).file}"

    def import_tasks(self, project_id: int, tasks: Sequence[dict[str, Any]]) -> None:
        """Add tasks. Sent once; after any error, look at ``task_keys`` for what has arrived."""
        from label_studio_sdk import ImportApiRequest

        with self._typed(f"importing {len(tasks)} tasks", project_id):
            self._client.projects.import_tasks(
                id=project_id,
                request=[ImportApiRequest(data=data) for data in tasks],
                return_task_ids=False,
            )

    def task_keys(self, project_id: int) -> dict[str, list[int]]:
        """Task ids, oldest first, by ``data.task_key``, of all tasks that have one."""
        keys: dict[str, list[int]] = {}
        with self._typed("listing tasks", project_id):
            tasks: Iterable[Any] = self._client.tasks.list(
                project=project_id, include="id,data", page_size=_PAGE_ROWS
            )
            for task in tasks:
                key = (task.data or {}).get("task_key")
                if isinstance(key, str):
                    keys[key] = sorted([*keys.get(key, []), int(task.id)])
        return keys

    def export(self, project_id: int) -> list[dict[str, Any]]:
        """All tasks with annotations as Label Studio's own JSON, cancelled ones among them."""
        with self._typed("exporting", project_id):
            parts = self._client.projects.exports.download_sync(
                id=project_id, export_type="JSON", download_all_tasks=False
            )
            exported: list[dict[str, Any]] = json.loads(b"".join(parts))
        return exported

    def webhooks(self, project_id: int) -> list[Webhook]:
        """Those of one project. Raises ``ProjectGone``."""
        with self._typed(f"listing the webhooks of project {project_id}", project_id):
            found = self._request("GET", "api/webhooks/", params={"project": project_id}).json()
            return [Webhook(int(one["id"]), str(one["url"])) for one in found]

    def create_webhook(self, project_id: int, url: str, headers: Mapping[str, str]) -> None:
        """Have ``url`` told of every answer, without its content. Raises ``ProjectGone``.

        A server whose guard against forged requests forbids the address refuses it: ``ConfigError``.
        """
        from label_studio_sdk.core.api_error import ApiError

        with self._typed(f"asking to be told of answers to project {project_id}", project_id):
            try:
                self._client.webhooks.create(
                    url=url,
                    project=project_id,
                    actions=["ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATIONS_DELETED"],
                    send_for_all_actions=False,
                    send_payload=False,
                    headers=dict(headers),
                    is_active=True,
                )
            except ApiError as error:
                if error.status_code != 403:
                    raise
                raise ConfigError(
                    f"{self.url} may not call {url}: its guard against forged requests forbids that address"
                ) from error

    def delete_webhook(self, webhook_id: int) -> None:
        with self._typed(f"removing webhook {webhook_id}"):
            self._client.webhooks.delete(id=webhook_id)

    def user_ids(self) -> dict[str, int]:
        """User id by e-mail address."""
        with self._typed("listing users"):
            return {str(user.email): int(user.id) for user in self._client.users.list()}

    def sign_up(self, email: str, password: str) -> None:
        """Make an account that can log in, through the page that invited people use.

        The call of the API for it drops the password, and nobody can log in to what it makes.
        """
        with self._typed(f"making an account for {email}"):
            link = str(self._client.organizations.invites.get_invite_link().invite_url)
            address = link if link.startswith("http") else self.url + link
            with httpx.Client(timeout=_TIMEOUT_SECONDS) as browser:
                page = browser.get(address)
                token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
                form = {
                    "email": email,
                    "password": password,
                    "csrfmiddlewaretoken": token[1] if token else "",
                }
                answer = browser.post(address, data=form, headers={"Referer": address})
        if answer.status_code != 302:
            said = re.findall(r'class="field_errors?[^>]*>(.*?)</', answer.text, re.DOTALL)
            reason = html.unescape(re.sub(r"<[^>]+>|\s+", " ", " ".join(said))).strip()
            raise ConfigError(
                f"{self.url} refuses an account for {email}: {reason or f'status {answer.status_code}'}"
            )

    def _request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """A call that the SDK lacks or narrows, with the SDK's own credentials."""
        from label_studio_sdk.core.api_error import ApiError

        wrapper = self._client._client_wrapper
        answer = self._http.request(method, f"{self.url}/{path}", headers=wrapper.get_headers(), **content)
        if answer.is_error:
            try:
                body: Any = answer.json()
            except ValueError:
                body = answer.text
            raise ApiError(status_code=answer.status_code, body=body, headers=dict(answer.headers))
        return answer

    @contextmanager
    def _typed(self, doing: str, project_id: int | None = None) -> Iterator[None]:
        from label_studio_sdk.core.api_error import ApiError

        try:
            yield
        except ApiError as error:
            raise _explained(error.status_code, error.body, f"{doing} at {self.url}", project_id) from error
        except httpx.TransportError as error:
            raise BackendUnavailable(
                f"{self.url} did not answer while {doing} ({type(error).__name__}: {error}): see that "
                "it runs, then run the same command again; what is done is kept"
            ) from error


def _explained(status: int | None, body: Any, doing: str, project_id: int | None) -> Exception:
    """The typed error of an answer. Its body may be a whole page; its headers are nobody's business."""
    if isinstance(body, dict):
        detail = without_secrets(str(body.get("validation_errors") or body.get("detail") or body))[:500]
    else:
        detail = "" if "<html" in str(body).lower() else without_secrets(str(body))[:500]
    if status in (None, 401, 403):
        return ConfigError(f"{doing}: the token is refused ({detail}): check LABEL_STUDIO_TOKEN")
    if status == 404 and project_id is not None:
        return ProjectGone(
            f"{doing}: project {project_id} is not there: somebody deleted it, or the study belongs to "
            "another server. What was pulled before is kept; push to a new study folder to ask again"
        )
    if status == 404:
        return ConfigError(f"{doing}: not found; is there a Label Studio at this address? {detail}")
    if status == 429:
        return Throttled(f"{doing}: too many requests")
    if status is not None and status >= 500:
        return BackendUnavailable(f"{doing}: the server is unwell (status {status}) {detail}")
    return ConfigError(f"{doing}: refused (status {status}): {detail}")
