# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a certificate, from its bytes."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from zoo.certificates import make_certificates

from mainstay.probes.certificate_dates import certificate_end, date_text, expiry_note

DAY = 86400


def test_it_is_what_the_standard_library_reads_from_the_file(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    for pem in (made.good, made.expired, made.soon, made.stranger, made.authority):
        read = ssl._ssl._test_decode_cert(str(pem))  # type: ignore[attr-defined]
        assert certificate_end(ssl.PEM_cert_to_DER_cert(pem.read_text())) == ssl.cert_time_to_seconds(read["notAfter"])


@given(st.binary(max_size=200))
def test_any_bytes_have_an_end_or_none(certificate: bytes) -> None:
    assert certificate_end(certificate) is None or isinstance(certificate_end(certificate), int)


@given(cut=st.integers(min_value=0, max_value=400), flipped=st.integers(min_value=0, max_value=399))
def test_a_broken_certificate_is_no_exception(cut: int, flipped: int) -> None:
    whole = bytearray(_certificate(b"\x17\x0d261122173000Z"))
    whole[flipped % len(whole)] ^= 0xFF
    certificate_end(bytes(whole[:cut]))


def _certificate(end: bytes) -> bytes:
    """The fields before and with the validity, and nothing after."""
    validity = b"\x17\x0d200101000000Z" + end
    fields = b"\xa0\x03\x02\x01\x02" + b"\x02\x01\x01" + b"\x30\x00" * 2 + bytes([0x30, len(validity)]) + validity
    signed = bytes([0x30, len(fields)]) + fields
    return bytes([0x30, len(signed)]) + signed


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (b"\x17\x0d261122173000Z", "2026-11-22T17:30:00Z"),
        (b"\x17\x0d491231235959Z", "2049-12-31T23:59:59Z"),
        (b"\x17\x0d500101000000Z", "1950-01-01T00:00:00Z"),
        (b"\x18\x0f20520229120000Z", "2052-02-29T12:00:00Z"),
        (b"\x18\x0f99991231235959Z", "9999-12-31T23:59:59Z"),
    ],
)
def test_both_forms_of_time_are_read(field: bytes, text: str) -> None:
    end = certificate_end(_certificate(field))
    assert end is not None
    assert date_text(end) == text


@pytest.mark.parametrize("field", [b"\x17\x0d261322173000Z", b"\x17\x0d26112217300Z+", b"\x16\x0d261122173000Z"])
def test_what_is_no_time_has_no_end(field: bytes) -> None:
    assert certificate_end(_certificate(field)) is None


@given(st.integers(min_value=-(10**9), max_value=10**11))
def test_dates_are_those_of_the_calendar(instant: int) -> None:
    wanted = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=instant)
    assert date_text(instant) == wanted.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (30 * DAY, "certificate ends in 30 days"),
        (DAY + 5, "certificate ends in 1 day"),
        (7200, "certificate ends in 2 h"),
        (-3 * DAY, "certificate ended 3 days ago"),
    ],
)
def test_how_long_it_lasts_in_words(left: int, words: str) -> None:
    assert expiry_note(1_000_000_000 + left, 1_000_000_000) == words
