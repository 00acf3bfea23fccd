# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody in a loop asks a resolver: it may hang for half a minute. Only mails go to a name, from their own process."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[2] / "plugins" / "module_utils" / "mainstay"

ASKS = {"getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo", "getfqdn"}
ASKS |= {"create_connection", "open_connection"}
MODULES = {"smtplib", "http.client", "urllib.request", "asyncio"}
"""They take a name and resolve it themselves."""
MAY_ASK = {"mail_delivery.py"}


def who_asks(folder: Path) -> set[str]:
    """Files that call, or import, what resolves names."""
    return {file.name for file in folder.rglob("*.py") if _names(ast.parse(file.read_text())) & (ASKS | MODULES)}


def _names(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(one.name for one in node.names)}
    return found


@pytest.mark.fault("F63")
def test_only_the_process_that_delivers_a_mail_asks_a_resolver() -> None:
    assert who_asks(RUNTIME) == MAY_ASK


@pytest.mark.parametrize(
    "text",
    ["import socket\nsocket.getaddrinfo('x', 1)", "import smtplib", "from http.client import HTTPConnection",
     "from socket import create_connection"],
)  # fmt: skip
def test_one_more_is_found(text: str, tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(text)
    assert who_asks(tmp_path) == {"probe.py"}


def test_addresses_as_text_are_anybodys(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text("import socket\nsocket.inet_pton(socket.AF_INET, '192.0.2.1')")
    assert who_asks(tmp_path) == set()
