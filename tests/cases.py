"""Many cases of one kind in one test, which names the case that fails."""

from contextlib import contextmanager


@contextmanager
def case(*names):
    """Add the names of a case to what is raised within it."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case {', '.join(map(str, names))}")
        raise
