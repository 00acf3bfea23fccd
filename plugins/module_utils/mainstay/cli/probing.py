# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`mainstay probe`: one health check from here, now, with its reason and the time of each phase.

The options of each kind are those of the configuration, read by the same rules. The parser of a kind is made when the
kind is known: fourteen of them would cost every other verb their making.
"""

from __future__ import annotations

import json
import typing as t

from .output import AddVerb, complain, printable, write

if t.TYPE_CHECKING:
    import argparse

    from ..model.option import Option

UP, DOWN, USAGE, COULD_NOT = 0, 1, 2, 3

_HELP = (
    "Run one health check from this host, now: mainstay probe KIND ADDRESS[:PORT] [OPTIONS], or mainstay probe misc "
    "PROGRAM. KIND: tcp, http, https, smtp, dns, udp, ping, grpc, postgres, mysql, redis or misc; 'mainstay probe "
    "KIND --help' lists its options. Exit status 0: up, 1: down, 2: wrong call, 3: this host could not probe."
)
_PORTS = {"http": 80, "https": 443, "smtp": 25, "dns": 53, "postgres": 5432, "mysql": 3306, "redis": 6379}
_OF_THE_DAEMON = {
    "file": "only the running daemon follows track_files; 'mainstay servers' shows what the check says",
    "bfd": "only the running daemon has sessions; 'mainstay status' and 'mainstay servers' show them",
}
_NOT_FOR_ONE_PROBE = {
    "type", "retry", "delay_before_retry", "delay_loop", "warmup", "alpha", "rise", "fall", "log_all_failures",
    "connect_ip", "connect_port", "connect_timeout", "urls", "misc_path", "misc_timeout",
}  # fmt: skip
_LISTED = ("words", "status_codes")
"""Forms of several values in one word, with commas between them."""
_REPEATED = {"headers": "'NAME: VALUE'", "endpoints": "'ADDRESS PORT'"}
"""Forms whose option is given once for each value."""

Document = t.Dict[str, object]


def add_verb(verb: AddVerb) -> argparse.ArgumentParser:
    """The words after it are read once the kind is known."""
    import argparse

    parser = verb("probe", _probe, _HELP)
    parser.usage = "mainstay probe KIND ADDRESS[:PORT] [OPTIONS]"
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _probe(options: argparse.Namespace) -> int:
    from ..daemon.lone_check import lone_check
    from ..daemon.one_check import run_check
    from ..model.problems import ConfigError

    asked = _asked(options.words)
    try:
        address, port = _place(asked)
        check = lone_check(_document(asked), address, port)
        outcome = run_check(check, address, port, report=_reads_page(asked))
    except ConfigError as error:
        for problem in error.problems:
            complain(str(problem))
        return USAGE
    except ValueError as error:
        complain(str(error))
        return USAGE
    _tell(asked, outcome)
    return COULD_NOT if not outcome.ran else UP if outcome.verdict.ok else DOWN


def _asked(words: t.Sequence[str]) -> argparse.Namespace:
    """The words after the verb. Ends the process with status 2 for a wrong call, as every parser does."""
    import argparse

    from ..model.options_checks import CHECKS

    kinds = [kind for kind in CHECKS if kind not in _OF_THE_DAEMON]
    kind = words[0] if words else "--help"
    parser = argparse.ArgumentParser(prog=f"mainstay probe {kind}" if kind in kinds else "mainstay probe")
    if kind in _OF_THE_DAEMON:
        parser.error(f"{kind}: {_OF_THE_DAEMON[kind]}")
    if kind not in kinds:
        parser.description = _HELP
        parser.add_argument("kind", metavar="KIND", choices=kinds)
        parser.parse_args(words[:1])
    if kind == "misc":
        parser.add_argument(
            "target", metavar="PROGRAM", help="its absolute path, in quotes together with its arguments"
        )
    else:
        parser.add_argument("target", metavar="ADDRESS[:PORT]", help="an IPv6 address with a port as [ADDRESS]:PORT")
    parser.add_argument("--timeout", metavar="SECONDS", help="deadline of the probe, and of each of several")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    if kind.startswith("http"):
        parser.add_argument("--report", action="store_true", help="read the page to its end; tell length and digests")
        parser.add_argument(
            "--digest", action="store_true", dest="prints_digest", help="tell its MD5 alone, as genhash"
        )
        parser.add_argument("--expect-digest", dest="digest", metavar="HEX", help="MD5 or SHA-256 the page has to have")
    _add_options(parser, CHECKS[kind])
    asked = parser.parse_args([_spelt(word) for word in words[1:]])
    asked.kind = kind
    return asked


def _spelt(word: str) -> str:
    """The configuration's underscores are as good as dashes."""
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if name.startswith("--") else word


def _add_options(parser: argparse.ArgumentParser, table: t.Mapping[str, Option]) -> None:
    import argparse

    for key, option in table.items():
        if key in _NOT_FOR_ONE_PROBE or key == "digest":
            continue
        name, help_text = "--" + key.replace("_", "-"), option.help.replace("%", "%%")
        if option.form == "boolean":
            parser.add_argument(name, dest=key, action=argparse.BooleanOptionalAction, help=help_text)
        elif option.form in _REPEATED:
            help_text += " Once for each."
            parser.add_argument(name, dest=key, action="append", metavar=_REPEATED[option.form], help=help_text)
        elif option.form in _LISTED:
            parser.add_argument(name, dest=key, metavar="VALUE[,VALUE...]", help=help_text)
        elif option.form == "word":
            parser.add_argument(name, dest=key, choices=option.choices, help=help_text)
        else:
            parser.add_argument(name, dest=key, metavar="VALUE", help=help_text)


def _place(asked: argparse.Namespace) -> t.Tuple[str, int]:
    """Address and port of the target. Raises ValueError."""
    if asked.kind == "misc":
        return "192.0.2.1", 1
    address, port = _split(asked.target)
    if asked.kind == "ping":
        return address, 1
    number = _PORTS.get(asked.kind) if port is None else port
    if number is None:
        named = f"[{address}]" if ":" in address else address or "ADDRESS"
        raise ValueError(f"{asked.target}: a port is missing; write {named}:PORT")
    return address, number


def _split(target: str) -> t.Tuple[str, t.Optional[int]]:
    """192.0.2.21:80, [2001:db8::21]:80, or an address alone."""
    if target.startswith("["):
        address, _bracket, rest = target[1:].partition("]")
    elif target.count(":") == 1:
        address, colon, port = target.partition(":")
        rest = colon + port
    else:
        address, rest = target, ""
    if rest and not (rest.startswith(":") and rest[1:].isdecimal() and rest.isascii()):
        raise ValueError(f"{target}: must be ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT")
    return address, int(rest[1:]) if rest else None


def _reads_page(asked: argparse.Namespace) -> bool:
    """Without being asked a page is read as far as the daemon would: what comes after decides nothing there."""
    return bool(getattr(asked, "report", False) or getattr(asked, "prints_digest", False))


def _document(asked: argparse.Namespace) -> Document:
    """The check as a configuration spells it. Raises ValueError for what is no number."""
    from ..model.options_checks import CHECKS

    table = CHECKS[asked.kind]
    given = {key: value for key, value in vars(asked).items() if key in table and value is not None}
    document: Document = {key: _value(key, table[key].form, value) for key, value in given.items()}
    document["type"] = asked.kind
    if asked.kind == "misc":
        document["misc_path"] = asked.target
    if asked.timeout is not None:
        key = "misc_timeout" if asked.kind == "misc" else "connect_timeout"
        document[key] = _value("timeout", "seconds", asked.timeout)
    if getattr(asked, "prints_digest", False):
        # genhash takes the digest of whatever page comes.
        document.setdefault("status_code", "100-599")
    return document


def _value(key: str, form: str, value: t.Any) -> object:
    try:
        if form == "integer":
            return int(value)
        if form == "seconds":
            return float(value)
    except ValueError:
        raise ValueError(f"{key} = {value!r}: must be a number") from None
    if form in _LISTED:
        return [word.strip() for word in value.split(",")]
    if form == "headers":
        return dict(_header(line) for line in value)
    return value


def _header(line: str) -> t.Tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError(f"headers = {line!r}: must be 'NAME: VALUE'")
    return name.strip(), value.strip()


def _tell(asked: argparse.Namespace, outcome: t.Any) -> None:
    from ..daemon.lone_check import outcome_document

    document = outcome_document(outcome)
    digest = document["details"].get("digest_md5")
    if asked.json:
        write(json.dumps(document, indent=2) + "\n")
    elif getattr(asked, "prints_digest", False) and digest is not None:
        write(f"{digest}\n")
        if not outcome.verdict.ok:
            complain(outcome.verdict.reason)
    else:
        _tell_people(document)


def _tell_people(document: t.Mapping[str, t.Any]) -> None:
    phases = [f"{_PHASES[name]} {took * 1000:.1f} ms" for name, took in document["phases"].items() if took is not None]
    lines = [f"{document['verdict']}: {document['reason']}", "  " + ", ".join(phases)]
    if document["weight"] is not None:
        lines.append(f"  weight {document['weight']}")
    lines += [f"  {name} {value}" for name, value in document["details"].items()]
    lines += [f"  note: {note}" for note in document["notes"]]
    write("".join(printable(line) + "\n" for line in lines))


_PHASES = {"connect": "connected after", "tls": "TLS after", "first_byte": "first byte after", "total": "in all"}
