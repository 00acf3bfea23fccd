# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates good and bad, made by openssl(1) for one run: an authority, and what it signed."""

from __future__ import annotations

import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

NAME = "www.example.net"


@dataclass(frozen=True)
class Certificates:
    """PEM files; each certificate has the one key behind it."""

    authority: Path
    key: Path
    good: Path
    """For NAME and 127.0.0.1, ten years."""
    other: Path
    """For another name."""
    expired: Path
    soon: Path
    """Ends in five days."""
    stranger: Path
    """Signed by itself."""


def make_certificates(folder: Path) -> Certificates:
    """All of them, in `folder`."""
    key = _key(folder / "server.key")
    authority_key = _key(folder / "authority.key")
    authority = folder / "authority.pem"
    _openssl("req", "-x509", "-new", "-key", authority_key, "-subj", "/CN=zoo", "-days", "3650", "-out", authority)
    signed = ("-CA", authority, "-CAkey", authority_key)
    names = f"DNS:{NAME},IP:127.0.0.1"
    return Certificates(
        authority=authority,
        key=key,
        good=_certificate(folder / "good.pem", key, names, 3650, signed),
        other=_certificate(folder / "other.pem", key, "DNS:mail.example.net", 3650, signed),
        expired=_certificate(folder / "expired.pem", key, names, -1, signed),
        soon=_certificate(folder / "soon.pem", key, names, 5, signed),
        stranger=_certificate(folder / "stranger.pem", key, names, 3650, ("-signkey", key)),
    )


def _key(path: Path) -> Path:
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    return path


def _certificate(path: Path, key: Path, names: str, days: int, signer: t.Sequence[t.Union[str, Path]]) -> Path:
    request, extensions = path.with_suffix(".csr"), path.with_suffix(".ext")
    _openssl("req", "-new", "-key", key, "-subj", "/CN=zoo server", "-out", request)
    extensions.write_text(f"subjectAltName={names}\n")
    end = ("-days", str(days), "-set_serial", str(days + 100), "-extfile", extensions)
    _openssl("x509", "-req", "-in", request, *signer, *end, "-out", path)
    return path


def _openssl(*words: t.Union[str, Path]) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
