"""Handler of SIGTERM, with which a cluster announces that it will kill a process."""

import os
import signal
import threading
from typing import Any


class Sigterm:
    """Record a SIGTERM instead of ending the process.

    Python handles signals only in the main thread; in other threads this class does nothing.

    Example:
        >>> import os, signal
        >>> from keras_mri_cyclegan.callbacks.sigterm import Sigterm
        >>> sigterm = Sigterm()
        >>> sigterm.listen()
        >>> os.kill(os.getpid(), signal.SIGTERM)
        >>> sigterm.received
        True
        >>> sigterm.received = False  # handled; otherwise the previous handler gets it now
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
        """Restore the previous handler, and pass it a signal that was received but not handled.

        Set `received` to `False` after handling the signal.
        """
        left_over = self.received and self._owner == os.getpid()
        if self._owner == os.getpid():
            # `None` stands for a handler outside Python, which Python cannot restore.
            signal.signal(signal.SIGTERM, self._previous or signal.SIG_DFL)
        self._owner = self._previous = None
        self.received = False
        if left_over:
            os.kill(os.getpid(), signal.SIGTERM)

    def _handle(self, number: int, frame: Any) -> None:
        if os.getpid() == self._owner:
            self.received = True
        else:  # in a worker process forked from this one, end the worker
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
