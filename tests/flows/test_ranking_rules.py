"""Rules from YAML: what is meant is read, what cannot be meant is refused with the right word."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.decision import DecisionRules
from annotation.quality import ExclusionRules
from data.errors import ConfigError
from flows.ranking_rules import RankingRules, load_rules


def rules(folder: Path, text: str) -> RankingRules:
    path = folder / "rules.yaml"
    path.write_text(text, "utf-8")
    return load_rules(path)


def test_what_a_file_does_not_name_is_as_by_default(tmp_path: Path) -> None:
    assert load_rules(None) == RankingRules(exclusion=ExclusionRules(), decision=DecisionRules())
    assert rules(tmp_path, "exclusion: {min_seconds: 2, min_gold_tau: -0.5}") == RankingRules(
        exclusion=ExclusionRules(min_seconds=2.0, min_gold_tau=-0.5)
    )
    assert rules(tmp_path, "decision:\n  max_annotators: 7\n").decision == DecisionRules(max_annotators=7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exclusion: {min_secnds: 5}", "unknown key 'exclusion.min_secnds'; did you mean 'min_seconds'?"),
        ("decison: {level: 0.9}", "unknown key 'decison'; did you mean 'decision'?"),
        ("decision: {qqqq: 1}", "unknown key 'decision.qqqq'; known are min_annotators, max_annotators"),
        ("decision: {level: 2}", "decision: level is 2.0; expected a share between 0 and 1"),
        ("exclusion: {min_gold_tau: 1.5}", "exclusion: min_gold_tau is 1.5; expected a tau"),
        ("decision: {min_annotators: 5.5}", "decision.min_annotators: .*got 5.5"),
        ("exclusion: {min_seconds: .nan}", "exclusion.min_seconds: .*finite"),
        ("exclusion: 3", "exclusion: .*got 3"),
        ("- exclusion", "must be a mapping .* got list"),
        ("", "must be a mapping .* got NoneType"),
        ("a: [", "not valid YAML"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        rules(tmp_path, text)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"level is 2.*; .*unknown key 'exclusion\.x'|unknown.*; .*level is 2"
    ):
        rules(tmp_path, "exclusion: {x: 1}\ndecision: {level: 2}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load_rules(tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as text"):
        load_rules(tmp_path / "bytes.yaml")
