"""The signal with which a cluster announces that a process is about to be killed."""

import os
import signal
import threading
from typing import Any


class Sigterm:
    """Notes a SIGTERM instead of dying of it.

    Only in the main thread, where alone Python handles signals; elsewhere it does nothing.

    Example:
        >>> import os, signal
        >>> from keras_mri_cyclegan.callbacks.sigterm import Sigterm
        >>> sigterm = Sigterm()
        >>> sigterm.listen()
        >>> os.kill(os.getpid(), signal.SIGTERM)
        >>> sigterm.received
        True
        >>> sigterm.received = False  # done with; else the handler before gets it now
        >>> sigterm.stop_listening()
    """

    def __init__(self) -> None:
        self.received = False
        self._previous: Any = None
        self._owner: int | None = None

    def listen(self) -> None:
        """Handle the signal from now on."""
        self.received = False
        if threading.current_thread() is threading.main_thread() and self._owner is None:
            self._owner = os.getpid()
            self._previous = signal.signal(signal.SIGTERM, self._handle)

    def stop_listening(self) -> None:
        """Put the previous handler back, and hand it a signal that nobody has acted on.

        Set `received` to `False` when you have.
        """
        left_over = self.received and self._owner == os.getpid()
        if self._owner == os.getpid():
            # `None` is a handler that was not made in Python, which cannot be put back by it.
            signal.signal(signal.SIGTERM, self._previous or signal.SIG_DFL)
        self._owner = self._previous = None
        self.received = False
        if left_over:
            os.kill(os.getpid(), signal.SIGTERM)

    def _handle(self, number: int, frame: Any) -> None:
        if os.getpid() == self._owner:
            self.received = True
        else:  # a worker that was forked from this process, and that is being ended
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
