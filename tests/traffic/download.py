# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One slow download from a chosen server behind a virtual address, and whether it came to its end.

Stands alone (standard library only): it is copied to the client machine and runs on that machine's own Python.

    python3 download.py http://192.168.200.19/large web1

Connections are opened until that server answers (header X-Server); the others are closed. Then one JSON line says that
it has begun, {"server": "web1", "length": bytes}, and one how it ended: {"received": bytes, "took": seconds, "error":
null or a word}.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
import typing as t
import urllib.parse

TRIES = 50
TIMEOUT = 5.0  # seconds without a byte


def begin(url: str, server: str) -> http.client.HTTPResponse:
    """An answer of this server, its headers read."""
    parts = urllib.parse.urlsplit(url)
    for _ in range(TRIES):
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
        connection.request("GET", parts.path, headers={"Connection": "close"})
        response = connection.getresponse()
        if response.getheader("X-Server") == server:
            return response
        connection.close()
    raise SystemExit(f"{server} answered none of {TRIES} requests")


def read_all(response: http.client.HTTPResponse) -> t.Tuple[int, t.Optional[str]]:
    """(bytes received, None), or (bytes received, what went wrong)."""
    received, length = 0, response.length or 0
    try:
        while True:
            piece = response.read1(4096)
            if not piece:
                return received, None if received == length else "cut off"
            received += len(piece)
    except (OSError, http.client.HTTPException) as error:
        return received, type(error).__name__


def main() -> None:
    _program, url, server = sys.argv
    response = begin(url, server)
    tell({"server": server, "length": response.length})
    started = time.monotonic()
    received, error = read_all(response)
    tell({"received": received, "took": round(time.monotonic() - started, 3), "error": error})


def tell(line: t.Dict[str, t.Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
