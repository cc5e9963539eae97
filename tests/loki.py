"""Owns a Loki of tests: it takes pushes, or answers what it is told to. Must not know any test."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEADLINE_S = 60.0


class FakeLoki:
    """Takes pushes on this machine; `status` is what it answers, `gate` lets it answer."""

    def __init__(self, port: int = 0) -> None:
        self.pushes: list[dict[str, Any]] = []
        self.status = 204
        self.gate = threading.Event()
        self.gate.set()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fake.gate.wait(DEADLINE_S)
                status = fake.status  # once: a test changes it meanwhile
                if status == 204:
                    fake.pushes.append({"path": self.path, **json.loads(body)})
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def lines(self) -> list[tuple[str, str]]:
        return [
            (at_ns, line)
            for push in self.pushes
            for stream in push["streams"]
            for at_ns, line in stream["values"]
        ]

    def labels(self) -> set[tuple[tuple[str, str], ...]]:
        """Of each stream that came: in Loki, each is one more to keep."""
        return {
            tuple(sorted(stream["stream"].items()))
            for push in self.pushes
            for stream in push["streams"]
        }

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
