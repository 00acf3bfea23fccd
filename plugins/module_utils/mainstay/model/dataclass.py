# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataclasses that cost little: what the runtime uses of the standard library's, under the same names.

Those bring `inspect` along and write six functions for each class: of a daemon with two hundred of them that was 3 MB
and a third of its start. Here a class gets one function of its own, __init__, and shares all others. Checkers of types
see the standard library's, and its functions (replace, asdict ...) work on instances of ours.
"""

from __future__ import annotations

import operator
import typing as t

__all__ = ["asdict", "astuple", "dataclass", "field", "fields", "replace"]

_Class = t.TypeVar("_Class", bound=type)
_Instance = t.TypeVar("_Instance")
_MISSING: t.Any = object()
_put = object.__setattr__


class _Field:
    """One field, as field() describes it."""

    __slots__ = ("compare", "default", "default_factory", "name", "repr")

    def __init__(
        self,
        default: t.Any = _MISSING,
        default_factory: t.Optional[t.Callable[[], t.Any]] = None,
        compare: bool = True,
        repr: bool = True,  # noqa: A002  # the standard library's name
    ) -> None:
        self.default, self.default_factory = default, default_factory
        self.compare, self.repr = compare, repr
        self.name = ""

    def by(self, make: t.Callable[..., t.Any]) -> t.Any:
        """The same by the standard library's field()."""
        words: t.Dict[str, t.Any] = {"compare": self.compare, "repr": self.repr}
        if self.default_factory is not None:
            return make(default_factory=self.default_factory, **words)
        return make(**words) if self.default is _MISSING else make(default=self.default, **words)


class _Made:
    """Stands as the default of a parameter whose value each instance makes for itself."""

    __slots__ = ("make",)

    def __init__(self, make: t.Callable[[], t.Any]) -> None:
        self.make = make


class _StandardFields:
    """What the standard library's functions look for in a class, made when they do."""

    def __get__(self, _instance: object, owner: type) -> t.Any:
        import dataclasses

        described = [(one.name, object, one.by(dataclasses.field)) for one in _fields(owner)]
        found = vars(dataclasses.make_dataclass(owner.__name__, described))["__dataclass_fields__"]
        owner.__dataclass_fields__ = found  # type: ignore[attr-defined]
        return found


def _dataclass(
    cls: t.Optional[type] = None, *, frozen: bool = False, order: bool = False
) -> t.Union[type, t.Callable[[_Class], _Class]]:
    """Give a class its __init__, comparison by its fields and a text; with `frozen` a hash, and no changes."""
    return _complete(cls, frozen, order) if cls is not None else lambda cls: _complete(cls, frozen, order)


def _complete(cls: _Class, frozen: bool, order: bool) -> _Class:
    found = tuple(_collect(cls).values())
    compared = [one.name for one in found if one.compare]
    given: t.Dict[str, t.Any] = {"__repr__": _repr, "__eq__": _equal, **(_FROZEN if frozen else _CHANGEABLE)}
    own = vars(cls)
    for name, value in given.items():
        # A class that compares in its own way has no hash of its own: Python has put None there.
        if own.get(name) is None:
            setattr(cls, name, value)
    always = {
        "__fields__": found,
        "__compared__": operator.attrgetter(*(compared or ["__class__"])),
        "__dataclass_fields__": _StandardFields(),
        "__init__": _initialiser(cls, found, frozen),
        **(_ORDERED if order else {}),
    }
    for name, value in always.items():
        setattr(cls, name, value)
    return cls


def _collect(cls: type) -> t.Dict[str, _Field]:
    """Inherited ones first; every annotation of the class itself is one more, or another one of that name."""
    found = {one.name: one for one in getattr(cls, "__fields__", ())}
    for name, kind in vars(cls).get("__annotations__", {}).items():
        if "ClassVar" in kind:
            continue
        default = vars(cls).get(name, _MISSING)
        one = default if isinstance(default, _Field) else _Field(default)
        one.name = name
        found[name] = one
        if one is default:
            delattr(cls, name)
            if one.default is not _MISSING:
                setattr(cls, name, one.default)
    return found


def _initialiser(cls: type, found: t.Sequence[_Field], frozen: bool) -> t.Callable[..., None]:
    """Written out as code: at 10,000 servers a loop over the fields would be felt."""
    parameters, lines, defaults = ["self"], ["  pass"], []
    for one in found:
        name, value = one.name, one.name
        if one.default_factory is not None:
            defaults.append(_Made(one.default_factory))
            value = f"{name}.make() if {name}.__class__ is _Made else {name}"
        elif one.default is not _MISSING:
            defaults.append(one.default)
        elif defaults:
            raise TypeError(f"{cls.__qualname__}.{name} has no default and stands behind one that has")
        parameters.append(f"{name}=None" if defaults else name)
        lines.append(f"  _put(self, {name!r}, {value})" if frozen else f"  self.{name} = {value}")
    scope: t.Dict[str, t.Any] = {}
    text = f"def __init__({', '.join(parameters)}):\n" + "\n".join(lines)
    exec(text, {"_put": _put, "_Made": _Made}, scope)  # noqa: S102  # names of fields, from our own source
    made = t.cast("t.Any", scope["__init__"])
    made.__defaults__ = tuple(defaults)
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return t.cast("t.Callable[..., None]", made)


# ---- what all share


def _repr(self: t.Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in self.__fields__ if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _equal(self: t.Any, other: t.Any) -> t.Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) == other.__compared__(other)


def _before(self: t.Any, other: t.Any) -> t.Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) < other.__compared__(other)


def _not_after(self: t.Any, other: t.Any) -> t.Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self.__compared__(self) <= other.__compared__(other)


def _hash(self: t.Any) -> int:
    return hash(self.__compared__(self))


def _refuse_to_set(self: object, name: str, _value: object) -> None:
    raise AttributeError(f"cannot assign to {name!r} of a {type(self).__qualname__}: it is frozen")


def _refuse_to_delete(self: object, name: str) -> None:
    raise AttributeError(f"cannot delete {name!r} of a {type(self).__qualname__}: it is frozen")


_CHANGEABLE: t.Mapping[str, t.Any] = {"__hash__": None}
_FROZEN: t.Mapping[str, t.Any] = {
    "__hash__": _hash,
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
}
_ORDERED: t.Mapping[str, t.Any] = {"__lt__": _before, "__le__": _not_after}


# ---- functions on instances


def _fields(of: t.Any) -> t.Tuple[_Field, ...]:
    return t.cast("t.Tuple[_Field, ...]", of.__fields__)


def _replace(instance: _Instance, **changes: t.Any) -> _Instance:
    """One more of this class, with other values in some fields."""
    values = {one.name: getattr(instance, one.name) for one in _fields(instance)}
    values.update(changes)
    return type(instance)(**values)


def _asdict(value: t.Any) -> t.Any:
    """Fields by their names, with those of instances inside."""
    return _unfolded(value, dict)


def _astuple(value: t.Any) -> t.Any:
    """The values of the fields, with those of instances inside."""
    return _unfolded(value, lambda pairs: tuple(one for _name, one in pairs))


def _unfolded(value: t.Any, build: t.Callable[[t.List[t.Tuple[str, t.Any]]], t.Any]) -> t.Any:
    kind = type(value)
    if hasattr(kind, "__fields__"):
        return build([(one.name, _unfolded(getattr(value, one.name), build)) for one in kind.__fields__])
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return kind(*(_unfolded(one, build) for one in value))
    if isinstance(value, (list, tuple)):
        return kind(_unfolded(one, build) for one in value)
    if isinstance(value, dict):
        return kind((_unfolded(name, build), _unfolded(one, build)) for name, one in value.items())
    return value


if t.TYPE_CHECKING:
    from dataclasses import asdict, astuple, dataclass, field, fields, replace
else:
    asdict, astuple, dataclass, field, fields, replace = _asdict, _astuple, _dataclass, _Field, _fields, _replace
