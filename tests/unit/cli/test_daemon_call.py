# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`mainstay daemon` as the unit calls it takes a short way, with the meaning of the long one."""

from __future__ import annotations

import typing as t

import pytest

from mainstay import cli

WRITTEN_OUT = [
    ["daemon"],
    ["daemon", "--config", "/c.json"],
    ["daemon", "--run-dir", "/r", "--state-dir", "/s", "--config", "/c.json"],
    ["daemon", "--config", "/c.json", "--config", "/d.json"],
]
ELSE = [
    [],
    ["status"],
    ["daemon", "--config"],
    ["daemon", "--config=/c.json"],
    ["daemon", "--help"],
    ["daemon", "--conf", "/c.json"],
    ["daemon", "/c.json", "--config"],
    ["daemon", "--config", "--run-dir"],
    ["release", "--config", "/c.json"],
]


@pytest.mark.parametrize("words", WRITTEN_OUT, ids=" ".join)
def test_what_is_written_out_means_the_same_on_both_ways(words: t.List[str]) -> None:
    options = cli._as_the_unit_calls(words)
    assert options is not None
    assert vars(options) == vars(cli._parser().parse_args(words))


@pytest.mark.parametrize("words", ELSE, ids=" ".join)
def test_everything_else_goes_the_long_way(words: t.List[str]) -> None:
    assert cli._as_the_unit_calls(words) is None
