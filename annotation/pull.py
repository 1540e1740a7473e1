"""Annotations in: copies of all that is on the server are taken out before anything is judged.

Knows no statistics. Polling is the source of truth: what a server reports by itself may be lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from annotation.answers import FILENAME, Answers, Copy, answers, read_copies
from annotation.environment import Progress, quiet
from annotation.journal import append
from annotation.project import InterfaceEdited, check_project
from annotation.studio import Studio
from annotation.study import Study
from data.errors import ConfigError
from data.lock import RunLock


def pull(studio: Studio, folder: Path, progress: Progress = quiet) -> Answers:
    """Copy new and changed annotations of the study in ``folder``, note which are gone, and judge them all.

    Every project is copied, also when another cannot be; only then is the first trouble raised:
    ``ProjectGone``, ``InterfaceEdited`` or another ``ConfigError``, and ``BackendUnavailable`` at once.
    ``annotation.answers.answers`` tells then what the copies hold.
    """
    with RunLock(folder):
        study = Study(folder)
        troubles: list[ConfigError] = []
        for annotator, project_id in study.projects.items():
            progress(f"reading the answers of {annotator}")
            edited = False
            try:
                check_project(studio, study, project_id, annotator)
            except InterfaceEdited as trouble:
                troubles.append(trouble)
                edited = True
            except ConfigError as trouble:
                troubles.append(trouble)
                continue
            append(folder / FILENAME, map(asdict, list(_news(studio, folder, project_id, edited))))
        if troubles:
            raise troubles[0]
        return answers(study)


def _news(studio: Studio, folder: Path, project_id: int, edited: bool) -> Iterator[Copy]:
    """What differs between the server and the last copies of one project."""
    last = {copy.annotation_id: copy for copy in read_copies(folder) if copy.project == project_id}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    seen = set()
    for exported in studio.export(project_id):
        task = {name: value for name, value in exported.items() if name != "annotations"}
        for annotation in exported["annotations"]:
            copy = Copy(now, "new", project_id, edited, task, annotation)
            seen.add(copy.annotation_id)
            before = last.get(copy.annotation_id)
            if before is None:
                yield copy
            elif before.annotation != annotation or before.event == "gone":
                yield Copy(now, "changed", project_id, edited, task, annotation)
    for annotation_id, before in last.items():
        if annotation_id not in seen and before.event != "gone":
            yield Copy(now, "gone", project_id, edited, before.task, before.annotation)
