# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs, files and BFD sessions: what somebody else found out moves the pool like a probe does."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.daemon.check_names import told_name
from mainstay.model.check_config import BfdCheck, Check, FileCheck, MiscCheck
from mainstay.model.commands import Command
from mainstay.model.config import Config, TrackFile
from mainstay.model.lvs_defaults import running_services

from .health_lab import CHECK, ONE, REFUSED, TWO, HealthLab, real, web

MISC = MiscCheck(misc_path=Command(("/usr/bin/check",)), misc_dynamic=True)


def name_of(check: Check, server: str = ONE) -> str:
    """What its results are called."""
    config = Config(virtual_servers={"web": web(real_servers=(real(server, check),))})
    (running,) = running_services(config)["web"].real_servers
    return told_name(("web", f"{server}:80"), running.checks[0])


KEY = name_of(MISC)


@pytest.fixture
def lab() -> HealthLab:
    return HealthLab()


def told(lab: HealthLab, **results: dict[str, t.Any]) -> None:
    """misc, file=, bfd=: what the supervisor tells; time passes until the kernel knows."""
    names = {"misc": KEY, "file": "file:load", "bfd": "bfd:leaf"}
    lab.tell("tracked", results={names[kind]: result for kind, result in results.items()})
    lab.run(0)


def one_told(lab: HealthLab, check: Check, weight: int = 10) -> None:
    lab.configure(web(real_servers=(real(ONE, check, weight=weight), real(TWO, CHECK, weight=weight))))


class TestPrograms:
    def test_until_the_first_result_the_server_is_trusted(self, lab: HealthLab) -> None:
        one_told(lab, MISC)
        assert lab.ipvs.pool() == {ONE: 10, TWO: 10}
        assert lab.servers()[ONE]["state"] == "waiting"

    def test_a_failed_program_takes_its_server_out_with_its_words(self, lab: HealthLab) -> None:
        one_told(lab, MISC)
        told(lab, misc={"up": False, "weight": None, "why": "exit status 1", "at": "x"})
        assert lab.ipvs.pool() == {TWO: 10}
        assert lab.servers()[ONE]["reason"] == "exit status 1"
        told(lab, misc={"up": True, "weight": None, "why": "exit status 0", "at": "y"})
        assert lab.ipvs.pool() == {ONE: 10, TWO: 10}
        assert lab.happenings("RS") == [(f"web {ONE}:80", "DOWN"), (f"web {ONE}:80", "UP")]

    def test_its_weight_takes_the_place_of_the_configured_one(self, lab: HealthLab) -> None:
        one_told(lab, MISC)
        told(lab, misc={"up": True, "weight": 3, "why": "exit status 5: weight 3", "at": "x"})
        assert lab.ipvs.pool() == {ONE: 3, TWO: 10}

    def test_a_result_for_another_server_changes_nothing(self, lab: HealthLab) -> None:
        one_told(lab, MISC)
        lab.tell("tracked", results={name_of(MISC, TWO): {"up": False, "weight": None, "why": "x", "at": "x"}})
        lab.run(0)
        assert lab.ipvs.pool() == {ONE: 10, TWO: 10}

    def test_one_that_is_put_in_front_of_it_takes_neither_its_result_nor_its_state(self, lab: HealthLab) -> None:
        first = MiscCheck(misc_path=Command(("/usr/bin/first",)))
        one_told(lab, MISC)
        told(lab, misc={"up": False, "weight": None, "why": "exit status 1", "at": "x"})
        both = web(real_servers=(real(ONE, first, MISC, weight=10), real(TWO, CHECK, weight=10)))
        lab.configure(both)
        assert lab.ipvs.pool() == {TWO: 10} and "exit status 1" in lab.servers()[ONE]["reason"]

        failed = {"up": False, "weight": None, "why": "first", "at": "y"}
        passed = {"up": True, "weight": None, "why": "exit status 0", "at": "y"}
        lab.tell("tracked", results={name_of(first): failed, KEY: passed})
        lab.run(0)
        assert lab.ipvs.pool() == {TWO: 10} and "first" in lab.servers()[ONE]["reason"]
        lab.tell("tracked", results={name_of(first): passed, KEY: passed})
        lab.run(0)
        assert lab.ipvs.pool() == {ONE: 10, TWO: 10}

    def test_one_that_is_put_in_front_of_a_passing_one_does_not_begin_with_its_result(self, lab: HealthLab) -> None:
        first = MiscCheck(misc_path=Command(("/usr/bin/first",)))
        one_told(lab, MISC)
        told(lab, misc={"up": True, "weight": 3, "why": "exit status 5: weight 3", "at": "x"})
        lab.configure(web(real_servers=(real(ONE, first, weight=10), real(TWO, CHECK, weight=10))))
        lab.tell("tracked", results={KEY: {"up": False, "weight": None, "why": "exit status 1", "at": "y"}})
        lab.run(0)
        assert lab.ipvs.pool()[ONE], "the result of what is gone says nothing of it"

    def test_what_was_told_before_the_configuration_counts_from_the_first_moment(self, lab: HealthLab) -> None:
        told(lab, misc={"up": False, "weight": None, "why": "exit status 1", "at": "x"})
        one_told(lab, MISC)
        assert lab.ipvs.pool() == {TWO: 10}

    def test_a_result_that_is_told_no_more_leaves_the_state_as_it_is(self, lab: HealthLab) -> None:
        one_told(lab, MISC)
        told(lab, misc={"up": False, "weight": None, "why": "exit status 1", "at": "x"})
        lab.tell("tracked", results={})
        lab.run(10)
        assert lab.ipvs.pool() == {TWO: 10}


class TestFiles:
    @pytest.mark.parametrize(
        ("weight", "reverse", "value", "pool"),
        [
            (1, False, 5, {ONE: 15, TWO: 10}),
            (-2, False, 3, {ONE: 4, TWO: 10}),
            (1, True, 4, {ONE: 6, TWO: 10}),
            (1, False, -30, {ONE: 0, TWO: 10}),
            (1, False, -65535, {TWO: 10}),
            (0, False, 1, {TWO: 10}),
            (0, False, 0, {ONE: 10, TWO: 10}),
            (0, True, 0, {TWO: 10}),
            (0, True, 1, {ONE: 10, TWO: 10}),
        ],
    )
    def test_the_number_moves_the_weight_or_takes_the_server_out(
        self, lab: HealthLab, weight: int, reverse: bool, value: int, pool: dict[str, int]
    ) -> None:
        one_told(lab, FileCheck(track_file="load", weight=weight, reverse=reverse))
        told(lab, file={"value": value, "why": ""})
        assert lab.ipvs.pool() == pool

    @pytest.mark.parametrize(
        ("check", "pool"),
        [
            (FileCheck(track_file="load"), {ONE: 4, TWO: 10}),
            (FileCheck(track_file="load", weight=1), {ONE: 7, TWO: 10}),
            (FileCheck(track_file="load", reverse=False), {ONE: 16, TWO: 10}),
        ],
    )
    def test_what_the_check_leaves_open_is_as_its_track_file_says(
        self, lab: HealthLab, check: Check, pool: dict[str, int]
    ) -> None:
        service = web(real_servers=(real(ONE, check, weight=10), real(TWO, CHECK, weight=10)))
        load = TrackFile("load", "/run/load", weight=2, reverse=True)
        lab.worker.configure(Config(virtual_servers={"web": service}, track_files={"load": load}), lab.poller.now())
        told(lab, file={"value": 3, "why": ""})
        assert lab.ipvs.pool() == pool

    def test_the_reason_says_what_the_file_holds_or_why_it_counts_as_0(self, lab: HealthLab) -> None:
        one_told(lab, FileCheck(track_file="load", weight=0, reverse=True))
        told(lab, file={"value": 0, "why": ""})
        assert lab.servers()[ONE]["reason"] == "track_file load holds 0"
        told(lab, file={"value": 0, "why": "holds no whole number of up to 18 digits ('abc')"})
        told_reason = "track_file load holds no whole number of up to 18 digits ('abc'), which counts as 0"
        assert lab.servers()[ONE]["reason"] == told_reason

    def test_a_number_that_nobody_knows_changes_nothing_and_is_shown(self, lab: HealthLab) -> None:
        one_told(lab, FileCheck(track_file="load", weight=1))
        told(lab, file={"value": None, "why": "not read yet"})
        assert lab.ipvs.pool() == {ONE: 10, TWO: 10}
        assert lab.servers()[ONE]["reason"] == "not checked yet; not checked since: not read yet"

    def test_all_servers_that_follow_the_file_move(self, lab: HealthLab) -> None:
        check = FileCheck(track_file="load", weight=0)
        lab.configure(web(real_servers=(real(ONE, check), real(TWO, check), real("192.0.2.23"))))
        told(lab, file={"value": 1, "why": ""})
        assert lab.ipvs.pool() == {"192.0.2.23": 1}


class TestBfd:
    def test_the_server_follows_the_session(self, lab: HealthLab) -> None:
        one_told(lab, BfdCheck(name="leaf"))
        told(lab, bfd={"up": False, "why": "the session to leaf is down"})
        assert lab.ipvs.pool() == {TWO: 10}
        told(lab, bfd={"up": True, "why": "the session to leaf is up"})
        assert lab.ipvs.pool() == {ONE: 10, TWO: 10}

    def test_together_with_a_probe_both_have_to_pass(self, lab: HealthLab) -> None:
        lab.answers[ONE] = REFUSED
        lab.configure(web(real_servers=(real(ONE, CHECK, BfdCheck(name="leaf")), real(TWO))))
        lab.run(10)
        told(lab, bfd={"up": True, "why": "up"})
        assert lab.ipvs.pool() == {TWO: 1}
        assert lab.servers()[ONE]["reason"] == "http: connection refused"
