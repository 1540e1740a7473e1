"""``annotate watch`` and what ``annotate status`` tells of quality, on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from annotation import watching
from annotation.items import RankingItem
from annotation.server import Server
from annotation.status import ItemStanding, Standing
from annotation.study import Study
from annotation.watching import Look
from data.errors import ConfigError
from flows.cli_annotate import app
from flows.cli_watch import look_lines
from tests.annotation.conftest import World


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_watch_ends_when_all_is_answered_and_status_tells_who_is_heard(
    world: World, server: Server, home: Path, tmp_path: Path
) -> None:
    reference, *candidates = list(world.clips)[:4]
    items = [RankingItem(name, reference, tuple(candidates)) for name in ("one", "two")]
    for invitation in world.push(items=items, per_item=2).invitations:
        person = world.log_in(invitation)
        while (task := person.next_task()) is not None:
            ids = {own["html"]: own["id"] for own in task["data"]["candidates"]}
            person.submit(task, [ids[html] for html in sorted(ids)], seconds=8)
    said = run("watch", world.folder, "--until-complete", "--home", home)
    assert "4 new, 4 of 4 answers are in, 2 of 2 items complete\n" in said
    page = tmp_path / "page.html"
    said = run("status", world.folder, "--page", page)
    assert "Agreement of 2 annotators: Krippendorff's alpha 1.00 (no interval with fewer than three" in said
    assert "not heard" not in said
    assert "ask more × 2" in page.read_text("utf-8")
    rules = tmp_path / "rules.yaml"
    rules.write_text("exclusion: {min_seconds: 9, min_answers: 1}\ndecision: {max_annotators: 5}\n")
    said = run("status", world.folder, "--rules", rules)
    for annotator in Study(world.folder).accounts:
        assert f"{annotator} is not heard: is too fast: 100 % of the answers took less than 9 s" in said
    assert "Agreement: not defined yet" in said
    rules.write_text("exclusion: {min_second: 9}\n")
    with pytest.raises(ConfigError, match="did you mean 'min_seconds'"):
        run("status", world.folder, "--rules", rules)


def test_ctrl_c_ends_it_with_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "watch", interrupted)
    assert "Stopped. The same command continues" in run("watch", tmp_path, code=130)


def test_trouble_is_told_beside_the_progress_that_there_was() -> None:
    now = Standing((), (ItemStanding("item", 1, 1), ItemStanding("other", 1, 0)), 1.25)
    assert list(look_lines(Look(now, 0, "it did not answer", "it may not call us", False, 30.0))) == [
        "trouble: it did not answer",
        "polls only, no hints: it may not call us",
        "nothing new, 0 of 0 answers are in, 1 of 2 items complete; about 1.2 h of annotators' work are left",
        "trying again in 30 s",
    ]
    assert list(look_lines(Look(now, 2, None, None, True, 300.0))) == [
        "2 new, 0 of 0 answers are in, 1 of 2 items complete; about 1.2 h of annotators' work are left"
    ]
