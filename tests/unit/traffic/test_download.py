# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A download that came to its end is told apart from one that did not."""

from __future__ import annotations

import http.server
import threading
import typing as t

import pytest

from traffic import download

PAGE = b"x" * 10000


class Answers(http.server.BaseHTTPRequestHandler):
    """Is every other time another server; /cut ends early."""

    count = 0

    def do_GET(self) -> None:
        Answers.count += 1
        self.send_response(200)
        self.send_header("X-Server", "web1" if Answers.count % 2 else "web2")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE[:4000] if self.path == "/cut" else PAGE)

    def log_message(self, *_message: object) -> None:
        pass


@pytest.fixture
def site() -> t.Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(timeout=10)


@pytest.mark.parametrize("server", ["web1", "web2"])
def test_it_comes_from_the_server_that_was_asked_for_and_is_whole(site: str, server: str) -> None:
    response = download.begin(f"{site}/large", server)
    assert response.getheader("X-Server") == server
    assert download.read_all(response) == (len(PAGE), None)


def test_one_that_ends_early_is_cut_off(site: str) -> None:
    assert download.read_all(download.begin(f"{site}/cut", "web2")) == (4000, "cut off")


def test_a_server_that_never_answers_is_an_error(site: str) -> None:
    with pytest.raises(SystemExit, match="web9 answered none"):
        download.begin(f"{site}/large", "web9")
