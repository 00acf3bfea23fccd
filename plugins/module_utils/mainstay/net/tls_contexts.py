# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One TLS context for all checks that speak TLS alike.

A context with the system's certificates takes 50 ms and half a megabyte to make, so there is one for each distinct
set of options. A file that was replaced is read again, and what was made of the one before it is forgotten.

No session is taken up again: with TLS 1.3 that saves nothing measurable (0.9 ms either way), and a server that resumes
shows no certificate, so that a new one which is wrong would go unseen.
"""

from __future__ import annotations

import functools
import os
import ssl
import stat
import typing as t
import warnings

from ..model.check_config import Tls
from .probe_errors import OwnTrouble

_VERSIONS: t.Mapping[str, ssl.TLSVersion] = {
    "1.0": ssl.TLSVersion.TLSv1,
    "1.1": ssl.TLSVersion.TLSv1_1,
    "1.2": ssl.TLSVersion.TLSv1_2,
    "1.3": ssl.TLSVersion.TLSv1_3,
}
_OLD = ("1.0", "1.1")
_CONTEXTS = 64
"""Distinct sets of options kept; more work, slower."""

_OTHERS_READ = 0o007

Stamp = t.Optional[t.Tuple[str, int, int, int]]
"""Path, inode, size and time of the last change of a file; None: no file."""


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The context for these options. Raises OwnTrouble, naming the option, when a file cannot be used."""
    authorities = tls.ca_file if tls.verify != "none" else None
    files = _stamp("ca_file", authorities), _stamp("certificate", tls.certificate), _stamp("key", tls.key)
    kept = _kept(tls.tls_min_version, tls.verify, authorities, tls.certificate, tls.key)
    if kept.context is None or kept.files != files:
        kept.context, kept.files = _context(tls.tls_min_version, tls.verify, *files), files
    return kept.context


class _Kept:
    """The latest context of one set of options."""

    def __init__(self) -> None:
        self.context: t.Optional[ssl.SSLContext] = None
        self.files: t.Tuple[Stamp, ...] = ()


@functools.lru_cache(maxsize=_CONTEXTS)
def _kept(*_options: t.Optional[str]) -> _Kept:
    return _Kept()


def _stamp(option: str, path: t.Optional[str]) -> Stamp:
    if path is None:
        return None
    try:
        found = os.stat(path)
    except OSError as error:
        raise OwnTrouble(f"{option} {path}: {error.strerror}") from error
    if option == "key" and stat.S_IMODE(found.st_mode) & _OTHERS_READ:
        raise OwnTrouble(f"key {path}: everybody may use it (mode {stat.S_IMODE(found.st_mode):04o}); chmod 0640 it")
    return path, found.st_ino, found.st_size, found.st_mtime_ns


def _context(version: str, verify: str, authorities: Stamp, certificate: Stamp, key: Stamp) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = verify == "full"
    context.verify_mode = ssl.CERT_NONE if verify == "none" else ssl.CERT_REQUIRED
    _set_version(context, version)
    if certificate is not None:
        _identify(context, certificate, key)  # first: what it refuses is tried again with every probe
    if verify != "none":
        _trust(context, authorities)
    return context


def _set_version(context: ssl.SSLContext, version: str) -> None:
    if version in _OLD:
        # OpenSSL 3 speaks them at its lowest security level only.
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = _VERSIONS[version]


def _trust(context: ssl.SSLContext, authorities: Stamp) -> None:
    if authorities is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cafile=authorities[0])
    except OSError as error:
        raise OwnTrouble(f"ca_file {authorities[0]}: {_said(error)}") from error


def _identify(context: ssl.SSLContext, certificate: t.Tuple[str, int, int, int], key: Stamp) -> None:
    try:
        # Without a password of ours OpenSSL would ask the terminal for one.
        context.load_cert_chain(certificate[0], None if key is None else key[0], password=lambda: b"")
    except OSError as error:
        files = certificate[0] if key is None else f"{certificate[0]} with key {key[0]}"
        raise OwnTrouble(f"certificate {files}: {_said(error)}") from error


def _said(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").lower().replace("_", " ")
    return error.strerror or str(error)
