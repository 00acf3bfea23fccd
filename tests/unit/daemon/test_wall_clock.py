# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times for people: the standard library's datetime is the oracle."""

from __future__ import annotations

import datetime
import time
import typing as t

import pytest

from mainstay.daemon.wall_clock import time_text, wall_clock

INSTANTS = (0, 999, 1_000, 951_782_399_001, 1_774_746_000_118, 1_774_746_000_000 + 3_599_999, 32_503_680_000_007)
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Europe/Berlin")


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> t.Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ZONES, indirect=True)
@pytest.mark.parametrize("milliseconds", INSTANTS)
def test_a_time_is_written_as_datetime_writes_it(zone: str, milliseconds: int) -> None:
    whole, rest = divmod(milliseconds, 1000)
    there = datetime.datetime.fromtimestamp(whole, datetime.timezone.utc).replace(microsecond=rest * 1000).astimezone()

    assert time_text(milliseconds) == there.isoformat(timespec="milliseconds"), zone


@pytest.mark.parametrize("years", [20_000, 10**12])
def test_what_no_calendar_has_is_refused(years: int) -> None:
    with pytest.raises(ValueError, match="1970|calendar"):
        time_text(years * 366 * 86_400_000)


def test_so_long_ago_is_before_now() -> None:
    now, before = (datetime.datetime.fromisoformat(wall_clock(ago)) for ago in (0, 3_600_000_000_000))
    assert datetime.timedelta(minutes=59) < now - before < datetime.timedelta(minutes=61)
