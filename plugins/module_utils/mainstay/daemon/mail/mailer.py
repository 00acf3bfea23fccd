# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mails about instances, groups, services and servers: written, kept, delivered, tried again.

Theory of operation. A mail is written at once; the vrrp worker is asked to explain the instance, for a moment only.
It goes into the queue and one process at a time delivers one mail (mail_attempt): nothing here ever waits.

What a server refuses for now is tried again after growing pauses, for about a day. When the server itself cannot be
used, all mails wait for it together, so that a dead server costs one process per pause and not one per mail. What it
refuses for good is dropped, counted and told.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ...model.config import Config, GlobalDefs
from ...model.units import NANOSECONDS_PER_MILLISECOND, Duration, Instant, seconds
from ...net.mail_values import Delivery, MailServer
from ...net.polling import Poller, Timer
from ..journal import Journal
from ..programs.script_run import Run, ScriptResult
from ..wall_clock import wall_clock
from ..worker import Happening
from .attempt import delivery_of, hard_limit, server_of, start_attempt
from .queue import MailQueue, WaitingMail

Answer = t.Optional[t.Dict[str, t.Any]]
Explain = t.Callable[[str, t.Callable[[Answer], None]], t.Callable[[], None]]
"""Ask why an instance is in its state; returns how to stop waiting."""

PAUSES: t.Tuple[Duration, ...] = tuple(seconds(pause) for pause in (10, 30, 60, 120, 300, 600, 1800, 3600))
"""After the first, second ... failed attempt; the last one for all further ones."""
MOST_TRIES = 31
"""Their pauses add up to 23.8 hours."""
_EXPLAIN_PATIENCE = 300 * NANOSECONDS_PER_MILLISECOND
_SUBJECT = "mail"


class Mailer:
    """The mails of one run of the daemon, and those that the last one left."""

    def __init__(self, poller: Poller, journal: Journal, state_path: str, explain: Explain) -> None:
        self._poller = poller
        self._journal = journal
        self._explain = explain
        self._queue = MailQueue(os.path.join(state_path, "mail"), journal)
        self._defs = GlobalDefs()
        self._server: t.Optional[MailServer] = None
        self._writing: t.Dict[int, t.Callable[[Instant], None]] = {}
        """Mails that wait for an explanation: how to write them without one."""
        self._number = 0
        self._busy: t.Optional[WaitingMail] = None
        self._run: t.Optional[Run] = None
        self._timer: t.Optional[Timer] = None
        self._stuck = 0
        """Attempts in a row for which the server could not be used."""
        self._not_before: Instant = 0
        self._closed = False
        self._told_dropped = 0
        self._last_failure: t.Optional[t.Dict[str, str]] = None
        self._failing = ""
        self.sent = 0

    def configure(self, config: Config, now: Instant) -> None:
        """Mail as this configuration says from now on; a server that has changed is tried at once."""
        before, self._defs = self._defs, config.global_defs
        self._server = server_of(self._defs)
        if self._server is None:
            self._drop_all()
        if _transport(before) != _transport(self._defs):
            self._stuck, self._not_before = 0, now
        self._turn(now)

    def happened(self, happening: Happening, called: t.Tuple[str, ...] = ()) -> None:
        """Write a mail about it, if mails are sent at all.

        `called`: keepalived's names of a service, or of a server and its service.
        """
        unwanted = happening.event == "FAULT" and self._defs.no_email_faults
        if self._server is None or not self._defs.notification_email or unwanted:
            return
        if happening.kind == "INSTANCE" and happening.event not in ("STOP", "DELETED"):
            self._write_explained(happening)
        else:
            self._write(happening, "", self._poller.now(), called)

    @property
    def idle(self) -> bool:
        """Nothing is on its way, and nothing could be at this moment."""
        return self._run is None and not self._writing and self._due(self._poller.now()) is None

    def end(self, now: Instant) -> None:
        """Stop trying; what waits, waits for the next start."""
        for write in list(self._writing.values()):
            write(now)
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._run is not None:
            self._run.end("mainstayd stops", now)

    def status(self) -> t.Dict[str, object]:
        """How many wait, were sent and were dropped; the last failure, while mails do not get through."""
        return {
            "waiting": len(self._queue),
            "sent": self.sent,
            "dropped": self._queue.dropped,
            "last_failure": self._last_failure,
        }

    def _drop_all(self) -> None:
        """There is no server any more; the one that is on its way is dropped when it comes back."""
        unsent = [mail for mail in self._queue if mail is not self._busy]
        if unsent:
            self._journal.warning(_SUBJECT, f"smtp_server is not set; {len(unsent)} mails that wait are dropped")
        for mail in unsent:
            self._queue.drop(mail)

    # ---- writing

    def _write_explained(self, happening: Happening) -> None:
        self._number += 1
        number = self._number

        def write(outlook: str, now: Instant) -> None:
            if self._writing.pop(number, None) is not None:
                timer.cancel()
                cancel()
                self._write(happening, outlook, now)

        self._writing[number] = lambda now: write("", now)
        timer = self._poller.call_at(self._poller.now() + _EXPLAIN_PATIENCE, self._writing[number])
        answers: t.List[Answer] = []

        def taken(answer: Answer) -> None:
            # Never in this call: a worker that is dead at this moment answers before `cancel` is there.
            answers.append(answer)
            self._poller.call_at(self._poller.now(), lambda now: write(_outlook(answers[0]), now))

        cancel = self._explain(happening.name, taken)

    def _write(self, happening: Happening, outlook: str, now: Instant, called: t.Tuple[str, ...] = ()) -> None:
        from .letter import letter  # most daemons never write a mail, and it loads a lot

        lost = self._queue.dropped - self._told_dropped
        remark = f"{lost} earlier mails could not be delivered and were dropped." if lost else ""
        try:
            written = letter(happening, self._defs, outlook, remark, called)
        except ValueError as error:
            self._journal.error(_SUBJECT, f"no mail about {happening.name}: {error}; see notification_email")
            return
        self._told_dropped = self._queue.dropped
        self._queue.put(written, self._busy)
        self._turn(now)

    # ---- delivering

    def _due(self, now: Instant) -> t.Optional[WaitingMail]:
        if self._server is None or self._closed or now < self._not_before:
            return None
        return next((mail for mail in self._queue if mail.due <= now), None)

    def _turn(self, now: Instant) -> None:
        """Deliver what is due, else wait for what will be."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._run is not None or self._server is None or self._closed:
            return
        mail = self._due(now)
        if mail is not None:
            self._attempt(mail, self._server, now)
        elif len(self._queue):
            earliest = min(waiting.due for waiting in self._queue)
            self._timer = self._poller.call_at(max(earliest, self._not_before), self._turn)

    def _attempt(self, mail: WaitingMail, server: MailServer, now: Instant) -> None:
        def done(result: ScriptResult, at: Instant) -> None:
            self._attempted(mail, delivery_of(result, mail.letter), at)

        try:
            started = start_attempt(server, self._defs.smtp_password_file, mail.letter)
        except OSError as error:
            everybody = tuple(range(len(mail.letter.recipients)))
            sentence = f"no process for a mail: {error.strerror}"
            self._attempted(mail, Delivery(sentence, again=everybody, stuck=True), now)
            return
        self._busy = mail
        self._run = Run(self._poller, started, hard_limit(server), done, lambda _at: None)

    def _attempted(self, mail: WaitingMail, delivery: Delivery, now: Instant) -> None:
        self._busy, self._run = None, None
        if not self._closed:  # else it was ended by us, which is nobody's failure
            self._judge_server(delivery, now)
            if delivery.sentence:
                self._tell(delivery)
        if delivery.again:
            self._keep(mail, delivery, now)
        elif len(delivery.refused) == len(mail.letter.recipients):
            self._queue.drop(mail)
        else:
            self.sent += 1
            self._queue.remove(mail)
        self._turn(now)

    def _judge_server(self, delivery: Delivery, now: Instant) -> None:
        if delivery.stuck:
            self._stuck += 1
            self._not_before = now + _pause(self._stuck)
        else:
            self._stuck = 0
        if not delivery.sentence and self._failing:
            self._journal.info(_SUBJECT, "mails get through again")
            self._failing, self._last_failure = "", None

    def _tell(self, delivery: Delivery) -> None:
        """The same failure is told once, however often it is tried."""
        self._last_failure = {"at": wall_clock(), "reason": delivery.sentence}
        if delivery.sentence != self._failing:
            what = "it is tried again" if delivery.again else "nobody whom it refuses gets this mail"
            self._journal.warning(_SUBJECT, f"{delivery.sentence}; {what}")
        self._failing = delivery.sentence

    def _keep(self, mail: WaitingMail, delivery: Delivery, now: Instant) -> None:
        """For those who did not get it and may later."""
        mail.tries += 0 if self._closed else 1
        if mail.tries >= MOST_TRIES or self._server is None:
            self._journal.error(_SUBJECT, f"given up after {mail.tries} attempts: {delivery.sentence}")
            self._queue.drop(mail)
            return
        left = tuple(mail.letter.recipients[place] for place in delivery.again)
        mail.letter = replace(mail.letter, recipients=left)
        mail.due = now + _pause(mail.tries)
        self._queue.write(mail)


def _pause(failures: int) -> Duration:
    return PAUSES[min(failures, len(PAUSES)) - 1]


def _outlook(answer: Answer) -> str:
    if not answer or not answer.get("ok"):
        return ""
    return f"When this was written: {answer['state']} because {answer['why']}. {answer['outlook']}"


def _transport(defs: GlobalDefs) -> t.Tuple[object, ...]:
    return server_of(defs), defs.smtp_password_file
