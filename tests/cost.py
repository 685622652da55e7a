"""What a call costs."""

import time
import tracemalloc


def cost(function):
    """Return the most memory in bytes, NumPy's and Python's, and the seconds of processor time."""
    tracemalloc.start()
    start = time.process_time()
    try:
        function()
        return tracemalloc.get_traced_memory()[1], time.process_time() - start
    finally:
        tracemalloc.stop()
