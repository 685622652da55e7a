import os
import signal
import threading
import time

from keras_mri_cyclegan.callbacks.sigterm import Sigterm


def test_the_previous_handler_comes_back():
    seen = []
    first = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    try:
        before = signal.getsignal(signal.SIGTERM)
        sigterm = Sigterm()
        sigterm.listen()
        sigterm.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert sigterm.received
        assert not seen
        sigterm.received = False
        sigterm.stop_listening()
        sigterm.stop_listening()
        assert signal.getsignal(signal.SIGTERM) is before
        assert not seen
    finally:
        signal.signal(signal.SIGTERM, first)


def test_a_signal_that_nobody_has_acted_on_reaches_the_previous_handler():
    seen = []
    first = signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
    try:
        sigterm = Sigterm()
        sigterm.listen()
        os.kill(os.getpid(), signal.SIGTERM)
        assert not seen
        sigterm.stop_listening()
        assert seen == [1]
        sigterm.stop_listening()
        assert seen == [1]
    finally:
        signal.signal(signal.SIGTERM, first)


def test_in_another_thread_it_does_nothing():
    before = signal.getsignal(signal.SIGTERM)
    sigterm = Sigterm()
    thread = threading.Thread(target=sigterm.listen)
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    sigterm.stop_listening()


def test_a_forked_worker_still_dies_of_it():
    sigterm = Sigterm()
    sigterm.listen()
    try:
        reading, writing = os.pipe()
        process = os.fork()
        if not process:
            os.write(writing, b"begun")
            time.sleep(30)
            os._exit(0)
        os.read(reading, 1)
        os.kill(process, signal.SIGTERM)
        _, status = os.waitpid(process, 0)
    finally:
        sigterm.stop_listening()
    assert os.WTERMSIG(status) == signal.SIGTERM
    assert not sigterm.received
