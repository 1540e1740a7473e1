"""Whether a project on the server is still the one that we made, with the page that we put there.

Knows nothing of tasks and of answers.
"""

from __future__ import annotations

from annotation.pages import same_config
from annotation.studio import Studio
from annotation.study import FILENAME, Study
from data.errors import ConfigError

MEDIA = "media"
"""The project that holds the clips and has no page, in place of an annotator."""


class InterfaceEdited(ConfigError):
    """The page that annotators see is not ours any more: its answers cannot be compared with the others."""


def check_project(studio: Studio, study: Study, project_id: int, of: str) -> None:
    """Raise ``ProjectGone``, ``ConfigError`` for a project not ours, ``InterfaceEdited`` for its page."""
    project = studio.project(project_id)
    if project.description != study.marker(of):
        raise ConfigError(
            f"project {project_id} at {studio.url} belongs to something else: connect to the server that "
            "this study was pushed to, or put its description back"
        )
    if of != MEDIA and not same_config(project.label_config, study.page):
        raise InterfaceEdited(
            f"the labelling interface of project {project_id} at {studio.url} was edited: answers to another "
            f"page cannot be compared. Put back the one in {study.folder / FILENAME}, or start a new study"
        )
