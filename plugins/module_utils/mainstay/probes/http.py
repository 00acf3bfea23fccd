# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP_GET and SSL_GET: pages, judged by status code and content. The head is read by http_answer, the body by
http_body, and what it has to contain is http_content's."""

from __future__ import annotations

import typing as t

from ..model.check_config import HttpCheck, HttpsCheck, Url
from ..model.check_regex import compiled_regex
from ..model.units import Instant
from .http_answer import AnswerHead, MalformedAnswer
from .http_body import Body, body_of
from .http_content import BODY_BYTES, Content, Pattern, Wanted, check_digest
from .http_request import host_of, request_bytes
from .server_name import server_name
from .task import DEFAULT_RECEIVED_LIMIT, TCP, TLS, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

CodeRanges = t.Tuple[t.Tuple[int, int], ...]
"""Accepted status codes as inclusive ranges."""

_BODY_LIMIT = 2 * BODY_BYTES + DEFAULT_RECEIVED_LIMIT
"""On the wire: chunks may cost as much as what they carry."""

_NOTHING = Wanted()


def ranges_text(ranges: CodeRanges) -> str:
    """Ranges as the configuration spells them: "200-299, 302"."""
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ranges)


class HttpProbe:
    """Sends `request`; up when the status code lies in one of `accepted` and the body is as `wanted`."""

    __slots__ = ("_accepted", "_body", "_content", "_head", "_method", "_received", "_request", "_verdict", "_wanted")

    def __init__(self, request: bytes, accepted: CodeRanges, method: str = "GET", wanted: Wanted = _NOTHING) -> None:
        self._request = request
        self._accepted = accepted
        self._method = method
        self._wanted = wanted
        self._head = AnswerHead()
        self._body: t.Optional[Body] = None
        self._content: t.Optional[Content] = None
        self._received = 0
        self._verdict: t.Optional[Verdict] = None

    def start(self, _now: Instant) -> Said:
        """The request."""
        return self._request

    def receive(self, received: bytes, _now: Instant) -> Said:
        """The verdict as soon as no further byte can change it."""
        if self._verdict is None:
            self._received += len(received)
            try:
                self._verdict = self._judge(received)
            except MalformedAnswer as malformed:
                self._verdict = Verdict(False, str(malformed))
        return self._verdict

    def awaits(self) -> str:
        """The part of the answer that is not whole yet."""
        return self._head.awaits() if self._body is None else "complete body"

    def _judge(self, received: bytes) -> t.Optional[Verdict]:
        if self._body is not None:
            return self._judge_body(self._body, received)
        if not received:
            return Verdict(False, f"connection closed before a {self.awaits()}: got {self._received} bytes")
        code = self._head.feed(received)
        return None if code is None else self._judge_code(code)

    def _judge_code(self, code: int) -> t.Optional[Verdict]:
        if not any(low <= code <= high for low, high in self._accepted):
            reason = f"HTTP {code}, accepted are {ranges_text(self._accepted)}"
            return Verdict(False, reason, details=self._status(code))
        if not self._wanted.reads_body:
            return Verdict(True, f"HTTP {code}")
        self._content = content = Content(self._wanted)
        self._body = body_of(code, self._method, self._head.status_line, self._head.framing, content.take)
        rest = self._head.rest()
        return self._judge_content(code, content) if self._body.feed(rest) else None

    def _judge_body(self, body: Body, received: bytes) -> t.Optional[Verdict]:
        if not received:
            body.end()
        elif not body.feed(received):
            return None
        return None if self._content is None else self._judge_content(self._head.code, self._content)

    def _judge_content(self, code: int, content: Content) -> Verdict:
        ok, said = content.judge()
        reason = f"HTTP {code}, {said}" if said else f"HTTP {code}"
        details = (*self._status(code), *content.details()) if self._wanted.report else ()
        return Verdict(ok, reason, details=details)

    def _status(self, code: int) -> t.Tuple[t.Tuple[str, str], ...]:
        return (("status", str(code)),) if self._wanted.report else ()


def tasks(check: HttpCheck, address: str, port: int, search: Search, report: bool = False) -> t.Tuple[ProbeTask, ...]:
    """One task for each page."""
    return tuple(_task(check, url, target_of(check, address, port), search, report) for url in _urls(check))


def _urls(check: HttpCheck) -> t.Tuple[Url, ...]:
    own = Url(
        path=check.path,
        digest=check.digest,
        regex=check.regex,
        regex_no_match=check.regex_no_match,
        regex_options=check.regex_options,
    )
    return check.urls or (own,)


def _task(check: HttpCheck, url: Url, target: t.Tuple[str, int], search: Search, report: bool) -> ProbeTask:
    host = url.virtualhost or check.virtualhost
    sent_host = host or host_of(*target)
    request = request_bytes(url.path, sent_host, check.http_protocol, check.method, check.headers, check.body)
    accepted, method, wanted = url.status_code or check.status_code, check.method, _wanted(url, search, report)
    if method == "HEAD" and (url.digest is not None or url.regex is not None):
        raise ValueError("method HEAD: the answer has no body, so digest and regex have nothing to look at")
    tls = check.tls if isinstance(check, HttpsCheck) else None
    return ProbeTask(
        TCP if tls is None else TLS,
        *target,
        begin=lambda: HttpProbe(request, accepted, method, wanted),
        source=source_of(check),
        tls=tls,
        server_name=None if tls is None else server_name(tls, host, target[0]),
        received_limit=_BODY_LIMIT if wanted.reads_body else DEFAULT_RECEIVED_LIMIT,
        subject=f"url {url.path}",
    )


def _wanted(url: Url, search: Search, report: bool) -> Wanted:
    check_digest(url.digest)
    pattern = None
    if url.regex is not None:
        expression = compiled_regex(url.regex, url.regex_options)
        no_match, first, last = url.regex_no_match, url.regex_min_offset, url.regex_max_offset
        pattern = Pattern(expression, search, url.regex, no_match, first, last)
    return Wanted(url.digest, pattern, report)
