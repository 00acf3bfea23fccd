# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One mail to one SMTP server, blocking: for a process of its own that may hang and be killed.

The conversation is the standard library's; what is added is distrust. An answer of the server is bounded in lines and
bytes. With STARTTLS nothing but EHLO is said before the certificate is verified, and without it nothing is said at all.
What a server answers to a password is never repeated: it could be the password.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import typing as t

from .mail_values import Delivery, Letter, MailServer

MOST_LINE_BYTES = 1000
MOST_LINES = 100
_SENTENCE = 200
_FOR_GOOD = 500
"""SMTP: codes from here on will not change by themselves (RFC 5321 4.2.1)."""


class _AnswerTooLong(Exception):
    pass


class _Answers:
    """What the server says, in bounded pieces."""

    def __init__(self, received: t.Any) -> None:
        self._received = received
        self._lines = 0

    def begin(self) -> None:
        """The next answer starts."""
        self._lines = 0

    def readline(self, _limit: int) -> bytes:
        self._lines += 1
        line: bytes = self._received.readline(MOST_LINE_BYTES + 1)
        if len(line) > MOST_LINE_BYTES:
            raise _AnswerTooLong(f"answers with a line of more than {MOST_LINE_BYTES} bytes")
        if self._lines > MOST_LINES:
            raise _AnswerTooLong(f"answers with more than {MOST_LINES} lines")
        return line

    def close(self) -> None:
        self._received.close()


class _Client(smtplib.SMTP):
    """smtplib's, reading bounded answers."""

    def getreply(self) -> t.Tuple[int, bytes]:
        if self.sock is not None and not isinstance(self.file, _Answers):
            self.file = _Answers(self.sock.makefile("rb"))  # STARTTLS has thrown the last one away
        if self.file is not None:
            self.file.begin()
        return super().getreply()


def deliver(server: MailServer, letter: Letter) -> Delivery:
    """Hand it over; never raises for what a server or network does."""
    everybody = tuple(range(len(letter.recipients)))
    try:
        return _converse(server, letter)
    except smtplib.SMTPRecipientsRefused as error:
        return _sorted(server, letter, error.recipients)
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        what = "the sender" if isinstance(error, smtplib.SMTPSenderRefused) else "the mail"
        sentence = _printable(f"{server} refuses {what}: {_answer(error.smtp_code, error.smtp_error)}")
        if error.smtp_code >= _FOR_GOOD:
            return Delivery(sentence, refused=everybody)
        return Delivery(sentence, again=everybody)
    except (OSError, _AnswerTooLong) as error:  # every SMTPException is an OSError, every error of TLS too
        return Delivery(_printable(_trouble(server, error)), again=everybody, stuck=True)


def _converse(server: MailServer, letter: Letter) -> Delivery:
    client = _Client(server.host.strip("[]"), server.port, local_hostname=server.helo, timeout=server.timeout)
    try:
        if server.starttls:
            _secure(client)
        if server.username is not None:
            client.login(server.username, server.password)
        refused = client.sendmail(letter.sender, letter.recipients, letter.message)
    except BaseException:
        client.close()
        raise
    # The mail is theirs now, however the farewell goes.
    with contextlib.suppress(OSError, _AnswerTooLong):
        client.quit()
    client.close()
    return _sorted(server, letter, refused)


def _secure(client: _Client) -> None:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    client.starttls(context=context)
    if not isinstance(client.sock, ssl.SSLSocket):
        raise ssl.SSLError("STARTTLS did not lead to TLS")


def _sorted(server: MailServer, letter: Letter, refused: t.Mapping[str, t.Tuple[int, bytes]]) -> Delivery:
    """Who of the recipients was refused for now, who for good."""
    codes = {number: refused[one][0] for number, one in enumerate(letter.recipients) if one in refused}
    told = "; ".join(f"{one}: {_answer(*answer)}" for one, answer in refused.items())
    return Delivery(
        _printable(f"{server} refuses {told}") if refused else "",
        again=tuple(number for number, code in codes.items() if code < _FOR_GOOD),
        refused=tuple(number for number, code in codes.items() if code >= _FOR_GOOD),
    )


def _trouble(server: MailServer, error: Exception) -> str:
    """Most special first: these classes are each other's children."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{server} does not take smtp_username and the password ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{server} does not offer what the configuration asks for: {error}"
    if isinstance(error, smtplib.SMTPResponseException):
        if error.smtp_code < 0:
            return f"{server} does not speak SMTP"
        return f"{server} does not serve us: {_answer(error.smtp_code, error.smtp_error)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {server.host} is not good: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"the name {server.host} cannot be resolved: {error.strerror}"
    if isinstance(error, socket.timeout):
        return f"{server} does not answer within {server.timeout:g} s"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        late = isinstance(error.__context__, socket.timeout)
        return f"{server} does not answer within {server.timeout:g} s" if late else f"{server} hung up"
    if isinstance(error, _AnswerTooLong):
        return f"{server} {error}"
    return f"{server} cannot be used: {getattr(error, 'strerror', None) or error}"


def _answer(code: int, text: t.Union[bytes, str]) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {said}"


def _printable(text: str) -> str:
    line = " ".join(text.split())[:_SENTENCE]
    return "".join(character if character.isprintable() else "?" for character in line)
