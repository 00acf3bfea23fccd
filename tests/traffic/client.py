# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask a URL again and again at a steady pace and write one JSON line per request.

Stands alone (standard library only): it is copied to the client machine and runs on that machine's own Python.

    python3 client.py http://192.168.200.19/ --rate 50 --seconds 10 > requests.jsonl

A line: {"at": seconds of the wall clock when the request began, "took": seconds, "server": first line of the body
or null, "error": null or a word}. Every request opens a connection of its own, as new clients would.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import time
import typing as t
import urllib.parse

ANSWER_LIMIT = 200  # bytes of the body that can name the server


def ask(host: str, port: int, path: str, timeout: float) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    """(name of the server, None), or (None, what went wrong)."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(ANSWER_LIMIT).decode("utf-8", "replace")
        if response.status != 200:
            return None, f"HTTP {response.status}"
        return body.partition("\n")[0].strip(), None
    except (OSError, http.client.HTTPException) as error:
        return None, type(error).__name__
    finally:
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long")
    parser.add_argument("--timeout", type=float, default=0.25, help="seconds before a request counts as failed")
    options = parser.parse_args()
    url = urllib.parse.urlsplit(options.url)
    begin = time.monotonic()
    end = begin + options.seconds
    due = begin
    while due < end:
        time.sleep(max(0.0, due - time.monotonic()))
        at, started = time.time(), time.monotonic()
        server, error = ask(url.hostname or "", url.port or 80, url.path or "/", options.timeout)
        took = round(time.monotonic() - started, 6)
        sys.stdout.write(json.dumps({"at": at, "took": took, "server": server, "error": error}) + "\n")
        sys.stdout.flush()
        # A slow answer delays the next request rather than piling requests up.
        due = max(due + 1 / options.rate, time.monotonic())


if __name__ == "__main__":
    main()
