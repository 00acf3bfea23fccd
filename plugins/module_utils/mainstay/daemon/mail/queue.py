# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails that wait, each in a file of its own, so that a restart or a reboot does not lose them.

A file is written under another name and moved into place. It is not forced to the disk: a disk that stalls must not
stall the supervisor. What a loss of power leaves unreadable is set aside. A disk that is full costs only what the
file is for: the mail waits in memory then.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import typing as t
from dataclasses import dataclass

from ...model.units import Instant
from ...net.mail_values import Letter
from ..journal import Journal
from ..state_directory import stored

MOST = 100
"""Mails that wait; with one more the oldest is dropped."""
_SUBJECT = "mail"
_FILE = re.compile(r"[0-9]{12}\.mail")
_MOST_BYTES = 256 * 1024
_ADDRESS = re.compile(r"[\x21-\x7e]+@[\x21-\x7e]+")


@dataclass
class WaitingMail:
    """One mail in the queue."""

    number: int
    letter: Letter
    tries: int = 0
    """How often it was tried, over all restarts."""
    due: Instant = 0
    """When it is tried next."""


class MailQueue:
    """In order of number, which is the order in which they were written."""

    def __init__(self, folder: str, journal: Journal) -> None:
        """Take over what is in the folder."""
        self._folder = folder
        self._journal = journal
        self._mails: t.Dict[int, WaitingMail] = {}
        self._unwritable = False
        self._full = False
        self.dropped = 0
        """How many were lost for want of room or patience since the daemon started."""
        self._number = 0
        self._load()

    def __len__(self) -> int:
        return len(self._mails)

    def __iter__(self) -> t.Iterator[WaitingMail]:
        return iter(list(self._mails.values()))

    def put(self, letter: Letter, busy: t.Optional[WaitingMail]) -> None:
        """Append it. Without room the oldest goes, except the one that is `busy` being delivered."""
        self._number += 1
        mail = WaitingMail(self._number, letter)
        self._mails[mail.number] = mail
        self.write(mail)
        self._make_room(busy)

    def write(self, mail: WaitingMail) -> None:
        """Keep it as it is now."""
        content = {
            "sender": mail.letter.sender,
            "recipients": mail.letter.recipients,
            "message": mail.letter.message,
            "tries": mail.tries,
        }
        temporary = os.path.join(self._folder, ".new")
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "w", encoding="ascii") as file:
                json.dump(content, file)
            os.replace(temporary, self._path(mail.number))
            self._unwritable = False
        except OSError as error:
            self._not_kept(error)

    def remove(self, mail: WaitingMail) -> None:
        """It is delivered, or given up."""
        self._mails.pop(mail.number, None)
        with contextlib.suppress(OSError):
            os.unlink(self._path(mail.number))

    def drop(self, mail: WaitingMail) -> None:
        """It is lost."""
        self.dropped += 1
        self.remove(mail)

    def _make_room(self, busy: t.Optional[WaitingMail]) -> None:
        spare = [mail for mail in self if mail is not busy]
        surplus = spare[: max(0, len(self) - MOST)]
        for mail in surplus:
            self.drop(mail)
        if surplus and not self._full:
            self._journal.warning(_SUBJECT, f"{MOST} mails wait; from now on the oldest is dropped for each new one")
        self._full = bool(surplus)

    def _path(self, number: int) -> str:
        return os.path.join(self._folder, f"{number:012d}.mail")

    def _not_kept(self, error: OSError) -> None:
        if not self._unwritable:
            self._unwritable = True
            what = f"mails cannot be written to {self._folder}: {error.strerror}"
            self._journal.warning(_SUBJECT, f"{what}; those that wait do so in memory, a restart loses them")

    def _load(self) -> None:
        try:
            names = sorted(name for name in os.listdir(self._folder) if _FILE.fullmatch(name))
        except OSError:
            return  # a folder that is not there yet, or one that writing will complain about
        for name in names:
            path = os.path.join(self._folder, name)
            try:
                mail = _read(path, int(name[:12]))
            except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
                self._set_aside(path, error)
                continue
            self._mails[mail.number] = mail
        self._number = max((int(name[:12]) for name in names), default=0)
        self._make_room(None)

    def _set_aside(self, path: str, error: Exception) -> None:
        self._journal.warning(_SUBJECT, f"{path} is no mail of ours ({error}); it is set aside as {path}.damaged")
        with contextlib.suppress(OSError):
            os.replace(path, f"{path}.damaged")


def _read(path: str, number: int) -> WaitingMail:
    """Raises OSError, ValueError, KeyError, TypeError, OverflowError when it is not what we wrote."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, encoding="ascii") as file:
        content = stored(file.read(_MOST_BYTES))
    recipients = tuple(content["recipients"])
    if not recipients or not all(_ADDRESS.fullmatch(one) for one in (content["sender"], *recipients)):
        raise ValueError("without good addresses")
    message = content["message"]
    if not (isinstance(message, str) and message.isascii()):
        raise ValueError("without a message")
    return WaitingMail(number, Letter(content["sender"], recipients, message), int(content["tries"]))
