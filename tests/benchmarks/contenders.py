"""Contenders that take turns: each a process that waits for orders (`peers/worker.py`)."""

import functools
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PEERS = Path(__file__).parent / "peers"


class Contender:
    """A process that runs steps when told to."""

    def __init__(self, name, script, arguments=(), backend=None, python=sys.executable):
        self.name, self.seconds, self.peak, self.held = name, [], None, None
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
        environment["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # the others need a GPU's memory too
        if backend:
            environment["KERAS_BACKEND"] = backend
        command = [python, str(PEERS / script), *map(str, arguments)]
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - as long as the process
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            env=environment,
        )

    @functools.cached_property
    def ready(self):
        """What the process says of its first step; contenders that were started start together."""
        return self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            raise RuntimeError(f"{self.name} ended:\n{self.log.read()[-3000:]}")
        return json.loads(line)

    def run(self, steps, keep=True):
        """Run steps; note the seconds of one."""
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        answer = self._answer()
        self.peak, self.held = answer["peak"], answer["held"]
        if keep:
            self.seconds.append(answer["seconds"] / steps)

    @property
    def median(self):
        """Median seconds of a step."""
        return statistics.median(self.seconds)

    def close(self):
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def wait_for(contenders):
    """Wait until all have run their first step, or raise an error."""
    for contender in contenders:
        contender.ready  # noqa: B018


def take_turns(contenders, rounds, steps):
    """Run them A B C A B C ..., after a round that does not count."""
    wait_for(contenders)
    for number in range(rounds + 1):
        for contender in contenders:
            contender.run(steps, keep=number > 0)
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)


def machine():
    """Return in words what this ran on."""
    names = ("keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "numpy")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{os.cpu_count()} x {model}; Python {platform.python_version()}; {', '.join(versions)}"
