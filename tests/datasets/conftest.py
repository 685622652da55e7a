"""A web server on this machine, in the place of those that data sets are downloaded from."""

import contextlib
import http.server
import threading

import pytest


class Server:
    """Serves `files`; `cuts` are the bytes of the body after which each answer breaks off."""

    def __init__(self, files, ranges=True, cuts=(), status=None, length=True):
        self.asked = []
        cuts = list(cuts)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.asked.append((self.path.rsplit("/", 1)[1], asked))
                body = files.get(self.path.rsplit("/", 1)[1])
                if status or body is None:
                    return self.send_error(status or 404)
                start = int(asked[len("bytes=") : -1]) if asked and ranges else 0
                if start and start >= len(body):
                    return self.send_error(416)
                self.send_response(206 if start else 200)
                if length:
                    self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                body = body[start:]
                self.wfile.write(body[: cuts.pop(0)] if cuts else body)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/files"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    servers = []

    def start(*args, **kwargs):
        servers.append(Server(*args, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        with contextlib.suppress(OSError):
            server.stop()
