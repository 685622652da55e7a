"""Warnings about scans: one for each kind in a call, however many scans it goes through."""

import contextlib
import warnings
from collections.abc import Iterator
from contextvars import ContextVar

SHOWN = 5  # scans that are named


class ScanWarning(UserWarning):
    """Something about a scan that is assumed and does not hold, or differs from other scans."""


# From each kind of notice to what was said first, and the names of all its scans.
Notices = dict[str, tuple[str, list[str]]]
_gathered: ContextVar[Notices | None] = ContextVar("notices", default=None)


def notice(kind: str, name: str | None, text: str) -> None:
    """Warn of something about a scan; within `gathered` or `once`, leave it for later.

    Args:
        kind: What is alike in all notices of this kind.
        name: The scan's path, or `None` for a volume in memory.
        text: What was found, what is expected, and the way out.
    """
    name = f"`{name}`" if name else "a Volume without a path"
    found = _gathered.get()
    if found is None:
        say({kind: (text, [name])})
    elif name not in (names := found.setdefault(kind, (text, []))[1]):
        names.append(name)


@contextlib.contextmanager
def gathered(found: Notices) -> Iterator[None]:
    """Put the notices of what is inside into `found`."""
    token = _gathered.set(found)
    try:
        yield
    finally:
        _gathered.reset(token)


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Warn once of each kind of notice of what is inside, after it."""
    if _gathered.get() is not None:  # part of a larger call, which will say it
        yield
        return
    found: Notices = {}
    with gathered(found):
        yield
    say(found)


def say(found: Notices) -> None:
    """Warn of each kind of notice."""
    for text, names in found.values():
        more = ""
        if len(names) > 1:
            listed = ", ".join(names[1:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            more = f" The same holds for {len(names) - 1} more: {listed}."
        warnings.warn(f"{names[0]}: {text}{more}", ScanWarning, stacklevel=2)
