"""The answer: its sentence and tiles agree with the shipped summaries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regcls.stats.verdicts import BETTER, EQUAL, TOO_FEW, UNDECIDED, WORSE
from regcls.study import answer
from regcls.study.summary import shipped


def of(verdict: str, against: str = "control", ratio: float = 0.9) -> answer.Finding:
    compared = shipped(answer.PAPER).comparisons["control"]
    compared = replace(compared, verdict=verdict, against=against, ratio=ratio)
    return answer.Finding("", compared, "", "", {})


def test_tiles_are_the_shipped_comparisons():
    found = answer.findings()
    paper, fair = (shipped(name).comparisons for name in (answer.PAPER, answer.TUNED))
    assert [f.compared for f in found] == [paper["reg"], paper["control"], fair["tuned"]]
    assert {f.query["grid"] for f in found} == {"paper"}  # its switch has all three
    assert [f.query["against"] for f in found] == ["reg", "control", "tuned"]


def test_words_follow_verdict_and_ratio():
    for found in answer.findings():
        compared = found.compared
        change = f"{abs(1 - compared.ratio):.0%}"
        if compared.verdict == BETTER:
            assert found.words == f"{change} lower test MSE"
        if compared.verdict == EQUAL:
            assert found.words == "Practically the same test MSE"
        assert f"{compared.count(BETTER)} of {compared.counted} single settings" in found.note


def test_one_search_is_stated_where_both_sides_are_tuned():
    tuned = answer.findings()[-1]
    assert (tuned.compared.searches <= 1) == ("single search" in tuned.note)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (BETTER, "lowers its test error by 10%"),
        (WORSE, "raises its test error by 10%"),
        (EQUAL, "makes practically no difference"),
        (UNDECIDED, "makes no significant difference"),
        (TOO_FEW, "has too few results"),
    ],
)
def test_the_sentence_follows_the_verdict(verdict, words):
    ratio = 1.1 if verdict == WORSE else 0.9
    assert f"**{words}** compared with plain reg" in answer.sentence((of(verdict, "reg", ratio),))


def test_but_joins_findings_that_differ_and_and_those_that_agree():
    equal, better = of(EQUAL), of(BETTER, "reg")
    assert ", but **makes" in answer.sentence((better, equal))
    assert ", and **lowers" in answer.sentence((better, of(BETTER)))


def test_no_results_no_sentence(monkeypatch):
    monkeypatch.setattr(answer, "shipped", lambda name: None)
    assert answer.findings() == ()
    assert answer.sentence(()) == ""
