# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mail about an instance, a group, a service or a server says. The subjects of the last two are keepalived's.

Everything that goes into a header is one printable line: a name or a reason can add neither a header nor a recipient.
"""

from __future__ import annotations

import datetime
import email.policy
import os
import re
import typing as t
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from ...model.config import GlobalDefs
from ...net.mail_values import Letter
from ..worker import Happening

_OBJECTS = {
    "INSTANCE": "vrrp_instance",
    "GROUP": "vrrp_sync_group",
    "VS": "virtual_server",
    "RS": "real_server",
}
_CALLED = {"VS": "Virtualserver {} - {}", "RS": "Realserver {} of virtual server {} - {}"}
_HAPPENED = {
    "MASTER": "is MASTER now",
    "BACKUP": "is BACKUP now",
    "FAULT": "is in FAULT",
    "STOP": "was stopped",
    "DELETED": "was removed from the configuration",
    "UP": "is up",
    "DOWN": "is down",
}
_POLICY = email.policy.SMTP.clone(cte_type="7bit")
_WITH_NAME = re.compile(r"(?P<name>.*)<(?P<address>[^<>]*)>")
_MOST = 500
"""Characters of a reason."""


def letter(
    happening: Happening, defs: GlobalDefs, outlook: str = "", remark: str = "", called: t.Sequence[str] = ()
) -> Letter:
    """The mail. `outlook`: why it is so and what would change it; `remark`: about the mails themselves; `called`:
    keepalived's names of a service, or of a server and its service.

    Raises ValueError when an address is none.
    """
    host = re.sub(r"[^A-Za-z0-9.-]", "-", os.uname().nodename).strip("-.") or "localhost"
    machine = _line(defs.router_id or os.uname().nodename)
    said = f"{_OBJECTS[happening.kind]} {_line(happening.name)}", _HAPPENED[happening.event]
    subject = _CALLED[happening.kind].format(*map(_line, called), happening.event) if called else " ".join(said)
    sender = _address(defs.notification_email_from or f"mainstay@{host}")
    recipients = [_address(text) for text in defs.notification_email]
    mail = EmailMessage(policy=_POLICY)
    mail["From"], mail["To"] = sender, recipients
    mail["Subject"] = f"[{machine}] {subject}"
    mail["Date"] = format_datetime(datetime.datetime.fromisoformat(happening.at))
    mail["Message-ID"] = make_msgid(domain=host)
    mail["Auto-Submitted"] = "auto-generated"
    first = f"{said[0]} on {machine} {said[1]}."
    mail.set_content("\n".join([first, "", *_body(happening, outlook, remark)]) + "\n")
    return Letter(sender.addr_spec, tuple(one.addr_spec for one in recipients), mail.as_bytes().decode("ascii"))


def _body(happening: Happening, outlook: str, remark: str) -> t.Iterator[str]:
    yield f"Reason:   {_line(happening.reason)}"
    yield f"Time:     {_line(happening.at)}"
    if happening.before:
        yield f"Before:   {_line(happening.before)}"
    if happening.kind == "INSTANCE":  # a group has no priority
        yield f"Priority: {happening.priority}"
    for text in (outlook, remark):
        if text:
            yield ""
            yield _line(text)


def _address(text: str) -> Address:
    """Of ops@example.com, or of 'Ops <ops@example.com>'."""
    named = _WITH_NAME.fullmatch(text)
    if named is None:
        return Address(addr_spec=text)
    return Address(display_name=named["name"].strip().strip('"'), addr_spec=named["address"])


def _line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:_MOST]
