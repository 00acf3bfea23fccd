# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DNS_CHECK: one question by UDP; the answer has to be NOERROR with content, and with what is expected if told so.

Datagrams that do not answer our question (another id, another question, a question back) are passed over: they may be
late or forged. How many of them is bounded by the driver. A truncated answer is judged by what it has: there is no
second question by TCP.
"""

from __future__ import annotations

import functools
import ipaddress
import typing as t

from ..model.check_config import DnsCheck
from ..model.units import Instant
from .dns_message import MESSAGE_BYTES, TYPES, Answer, answers, question, read_answer
from .dns_name import MalformedMessage
from .nonce import nonce
from .task import UDP, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

_ADDRESSES = ("A", "AAAA")
_SHOWN_CHARACTERS = 120
_RECEIVED_LIMIT = 16 * MESSAGE_BYTES


class DnsProbe:
    """One question. `expected` is as expected_answer() gives it."""

    def __init__(self, name: str, kind: str, expected: t.Optional[str]) -> None:
        self._name = name
        self._kind = kind
        self._expected = expected
        self._asked = b""
        self._strangers = 0

    def start(self, now: Instant) -> Said:
        """The question, with an id of its own."""
        number = int.from_bytes(nonce(now, f"dns {self._name} {self._kind}", 2), "big")
        self._asked = question(number, self._name, self._kind)
        return self._asked

    def receive(self, received: bytes, _now: Instant) -> Said:
        """The verdict, unless the datagram answers something else."""
        if not answers(self._asked, received):
            self._strangers += 1
            return None
        try:
            return self._judge(read_answer(self._asked, received))
        except MalformedMessage as malformed:
            return Verdict(False, f"malformed answer: {malformed}")

    def awaits(self) -> str:
        """The answer, and what came in its stead."""
        passed_over = f" (passed over {self._strangers} others)" if self._strangers else ""
        return f"answer to {self._name} {self._kind}{passed_over}"

    def _judge(self, answer: Answer) -> Verdict:
        details = (("rcode", answer.rcode), ("answers", str(len(answer.records))))
        if answer.rcode != "NOERROR":
            return Verdict(False, f"{answer.rcode} for {self._name} {self._kind}", details=details)
        cut = ", the answer is truncated" if answer.truncated else ""
        if not answer.records:
            return Verdict(False, f"NOERROR without content for {self._name} {self._kind}{cut}", details=details)
        if self._expected is not None and not self._is_there(answer):
            found = _listed(answer, TYPES[self._kind])
            return Verdict(False, f"expected {self._expected}, the answer is {found}{cut}", details=details)
        return Verdict(True, f"NOERROR, {_listed(answer, TYPES[self._kind])}", details=details)

    def _is_there(self, answer: Answer) -> bool:
        kind = TYPES[self._kind]
        return any(record.kind == kind and self._expected in record.texts for record in answer.records)


def _listed(answer: Answer, kind: int) -> str:
    """The records of the type asked for, as harmless text of bounded length."""
    texts = [record.texts[0] for record in answer.records if record.kind == kind and record.texts]
    if not texts:
        return f"records of other types ({len(answer.records)})"
    joined = ", ".join(texts)
    plain = "".join(character if character.isprintable() else "?" for character in joined[:_SHOWN_CHARACTERS])
    return plain + ("..." if len(joined) > _SHOWN_CHARACTERS else "")


def expected_answer(kind: str, answer: t.Optional[str]) -> t.Optional[str]:
    """The configured answer in the form in which answers are read. Raises ValueError for what no answer can be."""
    if answer is None or kind == "TXT":
        return answer
    if kind not in _ADDRESSES:
        return " ".join(word.rstrip(".") for word in answer.lower().split())
    read = ipaddress.IPv4Address if kind == "A" else ipaddress.IPv6Address
    try:
        return str(read(answer))
    except ValueError as error:
        raise ValueError(f"answer {answer!r}: a question of type {kind} is answered by an address: {error}") from error


def asked_name(kind: str, name: str) -> str:
    """The name to ask for; PTR takes an address too and asks for its name in the reverse tree."""
    if kind != "PTR":
        return name
    try:
        return ipaddress.ip_address(name).reverse_pointer
    except ValueError:
        return name


def tasks(check: DnsCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a DNS_CHECK. Raises ValueError for a name or an answer that cannot be."""
    name = asked_name(check.query_type, check.name)
    question(0, name, check.query_type)
    begin = functools.partial(DnsProbe, name, check.query_type, expected_answer(check.query_type, check.answer))
    target = target_of(check, address, port)
    return (ProbeTask(UDP, *target, begin, source_of(check), received_limit=_RECEIVED_LIMIT),)
