"""How slow a machine is just now, so that what a test says of seconds is said of
the service and not of who else wants the processor."""
import threading
import time

STEP = 0.02


class Late:
    """While this lasts: `most` is the longest that somebody who only wanted to
    sleep for a moment had to wait for the processor, seconds."""

    def __enter__(self):
        self.most = 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def run(self):
        while not self.stopping.is_set():
            began = time.monotonic()
            self.stopping.wait(STEP)
            self.most = max(self.most, time.monotonic() - began - STEP)

    def __exit__(self, *unused):
        self.stopping.set()
        self.thread.join()
