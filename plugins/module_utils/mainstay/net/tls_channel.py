# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS for one connection whose bytes somebody else carries: what came goes in, what has to go out comes out."""

from __future__ import annotations

import ssl
import typing as t

from .probe_errors import TlsFailure

_READ_BYTES = 16 * 1024
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
_NO_VERSION = ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "NO_PROTOCOLS_AVAILABLE")


class TlsChannel:
    """The client's side."""

    __slots__ = ("_incoming", "_outgoing", "_tls", "certificate", "ready", "version")

    def __init__(self, context: ssl.SSLContext, server_name: t.Optional[str]) -> None:
        """`server_name` is what is asked for and, when the context says so, verified."""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.ready = False
        """Have both sides agreed?"""
        self.certificate: t.Optional[bytes] = None
        """The server's, as DER, verified or not."""
        self.version = ""
        """TLSv1.3, say."""

    def feed(self, received: bytes) -> None:
        """What came from the network; b"" is its end."""
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()

    def shake(self) -> bool:
        """Go on with the handshake; True once it is done. Raises TlsFailure."""
        try:
            self._tls.do_handshake()
            # Later messages of the handshake's kind (tickets of TLS 1.3) would make these unavailable meanwhile.
            self.certificate = self._tls.getpeercert(binary_form=True)
            self.version = self._tls.version() or "TLS"
            self.ready = True
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise TlsFailure(_sentence(error)) from None
        return True

    def plain(self) -> t.Optional[bytes]:
        """Bytes of the conversation; b"" is its end, None: more has to come. Raises TlsFailure."""
        try:
            return self._tls.read(_READ_BYTES)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            # Many servers end without the word for it. What was cut short shows in the conversation itself.
            return b""
        except ssl.SSLError as error:
            raise TlsFailure(_failed(error)) from None

    def put(self, said: bytes) -> None:
        """Our next bytes of the conversation. Raises TlsFailure."""
        try:
            self._tls.write(said)
        except ssl.SSLError as error:
            raise TlsFailure(_failed(error)) from None

    def wire(self) -> bytes:
        """What has to go to the network; asking takes it."""
        return self._outgoing.read()


def _sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError):
        return "connection closed during the TLS handshake"
    reason = error.reason or ""
    if reason in _NO_TLS:
        return "the server does not speak TLS"
    if reason in _NO_VERSION:
        return "the server speaks no version of TLS that tls_min_version allows"
    return _failed(error)


def _failed(error: ssl.SSLError) -> str:
    return f"TLS failed: {(error.reason or 'broken records').lower().replace('_', ' ')}"
