# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataclasses of the runtime: as the standard library's, in everything that the runtime uses."""

from __future__ import annotations

import dataclasses
import pickle
import typing as t

import pytest

from mainstay.model import dataclass as ours


def _classes(library: t.Any) -> t.Any:
    """The same two classes by either library."""

    @library.dataclass(frozen=True)
    class Server:
        """One server."""

        kind: t.ClassVar[str] = "real"
        address: str
        weight: int = 1
        tags: t.Sequence[str] = library.field(default_factory=list)
        password: t.Optional[str] = library.field(default=None, repr=False)
        note: str = library.field(default="", compare=False)

    @library.dataclass(frozen=True)
    class Backup(Server):
        """One more field, and another default."""

        weight: int = 5
        behind: t.Optional[Server] = None

    return Server, Backup


@pytest.mark.parametrize("library", [ours, dataclasses], ids=["ours", "standard"])
class TestAsTheStandardLibrary:
    """Each story holds for both."""

    def test_fields_by_place_by_name_and_by_default(self, library: t.Any) -> None:
        """Inherited fields come first and keep their place."""
        _server, backup = _classes(library)

        one = backup("a", 2, note="n", behind=None)

        assert (one.address, one.weight, one.tags, one.note, one.kind) == ("a", 2, [], "n", "real")
        assert backup("a").weight == 5
        assert [field.name for field in library.fields(backup)] == [
            "address", "weight", "tags", "password", "note", "behind",
        ]  # fmt: skip

    def test_what_is_made_is_made_for_each(self, library: t.Any) -> None:
        """Two servers never share a list."""
        server, _backup = _classes(library)
        assert server("a").tags is not server("a").tags

    def test_equal_by_compared_fields_of_the_same_class(self, library: t.Any) -> None:
        """A note does not count; a backup is no server."""
        server, backup = _classes(library)
        assert server("a", note="x") == server("a", note="y")
        assert server("a") != server("a", 2)
        assert server("a", 5) != backup("a")
        assert hash(server("a", tags=())) == hash(server("a", tags=(), note="z"))

    def test_the_text_hides_a_password(self, library: t.Any) -> None:
        """Texts go to journals."""
        server, _backup = _classes(library)
        assert "Server(address='a', weight=1, tags=[], note='')" in repr(server("a", password="secret"))

    def test_frozen_means_frozen(self, library: t.Any) -> None:
        """Values are shared everywhere."""
        one = _classes(library)[0]("a")
        with pytest.raises(AttributeError, match="weight"):
            one.weight = 3
        with pytest.raises(AttributeError, match="weight"):
            del one.weight

    def test_a_wrong_call_is_refused(self, library: t.Any) -> None:
        """A field too few, one too many, one unknown."""
        server, _backup = _classes(library)
        for wrong in (lambda: server(), lambda: server(*range(6)), lambda: library.replace(server("a"), colour=1)):
            with pytest.raises(TypeError):
                wrong()

    def test_a_field_that_needs_a_value_does_not_follow_one_that_has_it(self, library: t.Any) -> None:
        """Else values would land in the wrong fields."""
        with pytest.raises(TypeError, match="late"):

            @library.dataclass
            class Wrong:
                early: int = 1
                late: int

    def test_replaced_and_unfolded(self, library: t.Any) -> None:
        """Instances inside lists and mappings are unfolded too."""
        server, backup = _classes(library)
        one = library.replace(backup("a"), behind=server("b", tags=[server("c")]))

        unfolded = library.asdict(one)

        assert unfolded["behind"]["tags"][0]["address"] == "c"
        assert library.astuple(server("a", 2)) == ("a", 2, [], None, "")

    def test_ordered_by_fields(self, library: t.Any) -> None:
        """For sorting."""

        @library.dataclass(frozen=True, order=True)
        class Key:
            family: int
            address: str

        keys = [Key(2, "a"), Key(1, "b"), Key(1, "a")]
        assert sorted(keys) == [Key(1, "a"), Key(1, "b"), Key(2, "a")]
        assert Key(1, "a") <= Key(1, "a") < Key(1, "b") > Key(1, "a")

    def test_all_without_fields_are_equal(self, library: t.Any) -> None:
        """Such a class is a word of a vocabulary."""

        @library.dataclass(frozen=True)
        class Stop:
            pass

        assert Stop() == Stop()
        assert len({Stop(), Stop()}) == 1

    def test_what_may_change_has_no_hash(self, library: t.Any) -> None:
        """A key that changes is found no more."""

        @library.dataclass
        class Count:
            value: int = 0

        count = Count()
        count.value += 1
        assert count == Count(1)
        with pytest.raises(TypeError, match="unhashable"):
            hash(count)


@ours.dataclass(frozen=True)
class _Told:
    verdict: str
    servers: t.Sequence[str] = ()


def test_instances_go_through_a_pipe() -> None:
    """A child hands its result over."""
    assert pickle.loads(pickle.dumps(_Told("up", ("a",)))) == _Told("up", ("a",))


def test_the_standard_librarys_functions_work_on_ours() -> None:
    """For tests, and for a person at a prompt."""
    one = dataclasses.replace(_Told("up"), verdict="down")
    assert one == _Told("down")
    assert dataclasses.asdict(one) == {"verdict": "down", "servers": ()}
    assert [field.name for field in dataclasses.fields(_Told)] == ["verdict", "servers"]
