# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was promised, what the model takes and what tests show is one story, and a list that tells another is caught."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from parity import conformance, faults, keywords
from parity.pages import pages, problems

from mainstay.model.route_text import parse_route, parse_rule

PROOF = "tests/unit/test_story.py::test_it"
TESTS = frozenset({PROOF})


def test_the_lists_the_model_and_the_tests_agree() -> None:
    found = problems()
    assert not found, "\n".join(found)


def test_the_pages_are_what_the_lists_say() -> None:
    old = [place.name for place, text in pages().items() if place.read_text(encoding="utf-8") != text]
    assert not old, f"{', '.join(old)} of docs/ differ from their lists: run `make docs`"


# ---- keywords


def entry(**changes: t.Any) -> keywords.Entry:
    good = keywords.Entry("vrrp_instance", "priority", "A", "works", "", "priority", [PROOF])
    return dataclasses.replace(good, **changes)


def complaints(*entries: keywords.Entry) -> list[str]:
    """About these and no other: of course the rest of the model stands nowhere then."""
    sections = {"vrrp_instance": "vrrp_instance", "routes": None}
    found = keywords.problems(keywords.Ledger(entries, [], sections), TESTS)
    return [one for one in found if "stands nowhere" not in one]


def test_a_good_keyword_is_no_problem() -> None:
    assert complaints(entry(), entry(verdict="differs", reason="Otherwise.", proof=[])) == []
    assert complaints(entry(word="no_accept", verdict="refused", reason="Say so.", option="no_accept", proof=[])) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"verdict": "perhaps"}, "the verdict is one of works, differs, refused"),
        ({"proof": []}, "works, but names no test that proves it"),
        ({"proof": ["tests/unit/test_story.py::test_gone"]}, "there is no test tests/unit/test_story.py::test_gone"),
        ({"verdict": "differs"}, "differs, but says neither how nor why"),
        ({"verdict": "refused", "proof": []}, "refused, but says neither how nor why"),
        ({"verdict": "refused", "reason": "No."}, "refused, but the model has it"),
        ({"word": "priorty", "option": "priorty"}, "works, but the model has no vrrp_instance.priorty"),
        ({"word": "unheard_of", "verdict": "refused", "reason": "No.", "option": "unheard_of"}, "no word of help"),
        ({"word": "unheard_of", "verdict": "differs", "reason": "So.", "option": ""}, "no word of help"),
    ],
)
def test_a_keyword_that_does_not_agree_is_named(changes: dict[str, t.Any], said: str) -> None:
    found = complaints(entry(**changes))
    assert any(one.startswith("vrrp_instance.") and said in one for one in found), found


def test_behaviour_needs_proof_too() -> None:
    behaviour = entry(group="behaviour", word="B01", option=None, proof=[])
    assert keywords.problems(keywords.Ledger([], [behaviour], {}), TESTS) == [
        "behaviour.B01: works, but names no test that proves it"
    ]


def test_an_option_that_no_entry_is_about_is_named() -> None:
    told = [
        keywords.Entry("garp_group", word, "C", "works", "", word, [PROOF]) for word in ("interfaces", "garp_interval")
    ]
    found = keywords.problems(keywords.Ledger(told, [], {"garp_group": "garp_group"}), TESTS)
    assert found == ["garp_group.gna_interval of the model stands nowhere in keywords.yml"]


def test_an_option_of_our_own_has_to_be_one() -> None:
    own = entry(group="vrrp_instance", word="vip_leese", option="vip_leese")
    found = keywords.problems(keywords.Ledger([], [], {}, [own]), TESTS)
    assert "vrrp_instance.vip_leese is said to be an option of our own, but the model has none" in found


CHECKS = "ping_check bfd_check"
"""A group may be about several sections at once."""


def test_what_a_group_says_of_several_sections_has_to_hold_for_each() -> None:
    told = [keywords.Entry("checks", word, "A", "works", "", word, [PROOF]) for word in ("type", "retry")]
    found = keywords.problems(keywords.Ledger(told, [], {"checks": CHECKS}), TESTS)
    assert "checks.retry: works, but the model has no bfd_check.retry" in found
    assert "ping_check.rise of the model stands nowhere in keywords.yml" in found
    assert not [one for one in found if "type" in one or "ping_check.retry" in one]


def test_an_option_of_our_own_may_be_one_of_several_sections() -> None:
    own = entry(group=CHECKS, word="rise", option="rise")
    found = keywords.problems(keywords.Ledger([], [], {}, [own]), TESTS)
    assert "bfd_check.rise is said to be an option of our own, but the model has none" in found
    assert not [one for one in found if "ping_check.rise" in one]


def test_a_section_that_the_whole_ledger_forgets_is_named() -> None:
    ledger = keywords.read()
    sections = {group: said for group, said in ledger.sections.items() if group != "lvs_timeouts"}
    assert keywords.missing_sections(ledger) == []
    assert keywords.missing_sections(dataclasses.replace(ledger, sections=sections)) == [
        "section lvs_timeouts of the model stands nowhere in keywords.yml"
    ]


ROUTES = {
    "PREFIX": "10.0.0.0/8 dev eth0",
    "default": "default dev eth0",
    "nexthop": "default nexthop via 192.0.2.1 weight 1 nexthop via 192.0.2.2 weight 2",
    "onlink": "10.0.0.0/8 via 192.0.2.1 dev eth0 onlink",
}
VALUES = {
    "via": "192.0.2.1", "gw": "192.0.2.1", "dev": "eth0", "oif": "eth0", "iif": "eth0", "src": "192.0.2.9",
    "table": "100", "metric": "5", "priority": "5", "preference": "5", "order": "5", "scope": "link",
    "from": "10.1.0.0/16", "to": "10.2.0.0/16", "not": "from 10.1.0.0/16", "lookup": "100", "fwmark": "1",
    "tos": "0x10", "dsfield": "0x10",
}  # fmt: skip


def words(group: str, verdict: str) -> list[str]:
    return [one.word for one in keywords.read().keywords if one.group == group and one.verdict == verdict]


def route(word: str) -> str:
    where = "" if word in ("dev", "oif") else "dev eth1 "
    return ROUTES.get(word) or f"10.0.0.0/8 {where}{word} {VALUES.get(word, '7')}"


def rule(word: str) -> str:
    table = "" if word in ("table", "lookup") else "table 9 "
    priority = "" if word in ("priority", "preference", "order") else "priority 9 "
    return f"{table}{priority}{word} {VALUES.get(word, '7')}"


@pytest.mark.parametrize(("group", "text", "parse"), [("routes", route, parse_route), ("rules", rule, parse_rule)])
def test_words_of_routes_and_rules_are_taken_or_refused_as_the_ledger_says(
    group: str, text: t.Callable[[str], str], parse: t.Callable[[str], object]
) -> None:
    """They have no keys in the model: the text itself is what an operator writes."""
    for word in words(group, "works"):
        parse(text(word))
    for word in (*words(group, "refused"), *words(group, "differs")):
        with pytest.raises(ValueError, match=f"{word} is not supported"):
            parse(text(word))


# ---- conformance and faults


def requirements(folder: Path, *lines: str) -> Path:
    file = folder / "conformance.yml"
    listed = "".join(f"    {line}\n" for line in lines)
    file.write_text(f"RX:\n  title: Receive\n  requirements:\n{listed}")
    return file


def claimed(**kinds: str) -> dict[str, dict[str, list[str]]]:
    """Which ids each kind of mark names."""
    every = ("conformance", "conformance_negative", "fault")
    return {kind: {one: [PROOF] for one in kinds.get(kind, "").split()} for kind in every}


@pytest.mark.parametrize(
    ("line", "kinds", "said"),
    [
        ("RX-01: {text: x}", {"conformance_negative": "RX-01"}, "RX-01 is proven by no positive test"),
        ("RX-01: {text: x}", {"conformance": "RX-01"}, "RX-01 is proven by no negative test"),
        ("RX-01: {text: x, gap: y}", {"conformance": "RX-01", "conformance_negative": "RX-01"}, "remove it"),
        ("RX-01: {text: x, gap: y}", {"conformance": "RX-99"}, f"{PROOF} names RX-99, which is not in"),
        ("RX-01: {text: x, gap: y}", {"conformance_negative": "RX-99"}, f"{PROOF} names RX-99, which is not in"),
    ],
)
def test_a_requirement_that_does_not_agree_is_named(
    tmp_path: Path, line: str, kinds: dict[str, str], said: str
) -> None:
    (found,) = conformance.problems(claimed(**kinds), requirements(tmp_path, line))
    assert said in found


def test_a_requirement_proven_both_ways_or_with_its_gap_is_no_problem(tmp_path: Path) -> None:
    source = requirements(tmp_path, "RX-01: {text: x}", "RX-02: {text: x, gap: y}")
    both = claimed(conformance="RX-01", conformance_negative="RX-01")
    assert conformance.problems(both, source) == []
    page = conformance.page(both, source)
    assert "1 of 2 requirements are proven both ways" in page and "**Gap: y**" in page and "test_it" in page


@pytest.mark.parametrize(
    ("line", "ids", "said"),
    [
        ("F01: {fault: x, expected: y}", "", "F01 has no test"),
        ("F01: {fault: x, expected: y, gap: z}", "F01", "F01 has a 'gap' and a test: remove one"),
        ("F01: {fault: x, expected: y, gap: z}", "F99", f"{PROOF} names F99, which is not in"),
    ],
)
def test_a_fault_that_does_not_agree_is_named(tmp_path: Path, line: str, ids: str, said: str) -> None:
    source = tmp_path / "faults.yml"
    source.write_text(f"Process:\n  {line}\n")
    (found,) = faults.problems(claimed(fault=ids), source)
    assert said in found


def test_where_nothing_is_measured_stands_why(tmp_path: Path) -> None:
    source, figures = tmp_path / "faults.yml", tmp_path / "figures.json"
    source.write_text("G:\n  F01: {fault: x, expected: y, no_figure_of_mainstay: a, no_figure_of_keepalived: b}\n")
    figures.write_text('{"figures": {"F01": {"mainstay": "1 s"}}}')
    (fault,) = faults.faults(claimed(fault="F01"), source, figures)["G"]
    assert (fault.mainstay, fault.keepalived) == ("1 s", "b")
