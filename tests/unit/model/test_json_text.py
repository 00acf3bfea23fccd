# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as strict as a configuration needs it."""

from __future__ import annotations

import typing as t

import pytest

from mainstay.model.json_text import MAXIMUM_BYTES, parse_json
from mainstay.model.problems import ConfigError, Problem


def refused(text: str) -> t.Sequence[Problem]:
    with pytest.raises(ConfigError) as caught:
        parse_json(text)
    return caught.value.problems


def test_plain_values_come_through() -> None:
    assert parse_json('{"a": [1, 2.5, "x{[", null, true]}') == {"a": [1, 2.5, "x{[", None, True]}


def test_a_syntax_error_names_line_and_column() -> None:
    (problem,) = refused('{\n  "a": 1,\n}')

    assert problem.path == "(file)"
    assert "line 3, column 1" in problem.message


def test_every_repeated_key_is_refused_at_its_path() -> None:
    problems = refused('{"a": {"b": 1, "b": 2}, "c": [{"d": 1, "d": 1}], "c": [{"d": 1, "d": 1}]}')

    assert [problem.path for problem in problems] == ["c", "a.b", "c[0].d"]


@pytest.mark.parametrize("text", ["[NaN]", "[Infinity]", "[-Infinity]", "[" + "9" * 5000 + "]", "", "\x00"])
def test_what_json_does_not_know_is_refused(text: str) -> None:
    (problem,) = refused(text)

    assert "is not JSON" in problem.message


def test_sixteen_levels_are_enough_and_brackets_in_text_do_not_count() -> None:
    assert parse_json("[" * 16 + "]" * 16)
    assert parse_json('["' + "[" * 100 + '"]')

    (problem,) = refused("[" * 17 + "]" * 17)
    assert "deeper than 16" in problem.message


def test_depth_that_would_end_the_stack_is_refused_in_time() -> None:
    (problem,) = refused("[" * 1_000_000)

    assert "deeper than 16" in problem.message


def test_a_file_over_four_mebibytes_is_refused() -> None:
    (problem,) = refused('"' + "é" * (MAXIMUM_BYTES // 2) + '"')

    assert "4 MiB" in problem.message
