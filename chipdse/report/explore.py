"""Serve a study's page live: read-only, to this machine alone unless asked otherwise."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chipdse.errors import ChipdseError, DesignError
from chipdse.hardware.store import Store, default_store
from chipdse.report.page import point_of, report_html
from chipdse.report.page_data import as_script
from chipdse.study.fingerprint import kept_by
from chipdse.study.folder import open_study, points_table
from chipdse.study.trials import finished

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DETAIL = re.compile(r"/detail/(\d{1,9})")


def serve(path: Path, host: str, port: int, store: Store | None = None) -> None:
    """Serve until interrupted; prints the address.

    On any host but loopback a token in the address is asked for, made new at each start.

    Raises
    ------
    DesignError : no study, or the address cannot be had
    """
    server = make_server(path, host, port, store)
    with server:
        print(f"{server.address} (Ctrl-C ends it)", file=sys.stderr, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("ended", file=sys.stderr)


class StudyServer(ThreadingHTTPServer):
    """Answers GET of the page, of the number of trials and of one point's detail."""

    daemon_threads = True

    def __init__(self, path: Path, host: str, port: int, store: Store | None) -> None:
        self.store = store or Store(root=default_store())
        self.token = "" if host in _LOOPBACK else secrets.token_urlsafe(24)
        self.details: dict[int, dict[str, Any]] = {}
        self.looking = threading.Lock()  # one request looks into the study at a time
        self.folder = open_study(path)  # kept: only what is new is read again
        self.shown: tuple[tuple[int, str], str] = ((-1, ""), "")
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host, port = self.server_address[:2]
        shown = host.decode() if isinstance(host, bytes) else host
        return f"http://{shown}:{port}/" + (f"?token={self.token}" if self.token else "")

    def allows(self, host: str, query: str) -> bool:
        """Whether a request may be answered.

        Without a token the Host header must name loopback: a page from elsewhere whose name was
        made to point here is refused.
        """
        if self.token:
            given = parse_qs(query).get("token", [""])[0]
            return hmac.compare_digest(given.encode(), self.token.encode())
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        return name.strip("[]") in _LOOPBACK

    def count(self) -> int:
        """How many trials are finished."""
        with self.looking:
            return len(finished(self.folder.study))

    def page(self) -> str:
        """The page; made anew once more trials are finished."""
        count = self.count()
        with self.looking:
            kept = kept_by(self.folder.study)
            state = (count, "" if kept is None else kept.identity)
            if self.shown[0][1] != state[1]:
                self.details.clear()  # they are of another version
            if self.shown[0] != state:
                self.shown = (state, report_html(self.folder, None, live=True))
            return self.shown[1]

    def detail(self, trial: int) -> dict[str, Any]:
        """What is inside a point; looked into once."""
        with self.looking:
            if (known := self.details.get(trial)) is not None:
                return known
            found = point_of(self.folder, points_table(self.folder), trial, self.store)
            if "error" not in found:  # another time it may be there
                self.details[trial] = found
            return found


def make_server(path: Path, host: str, port: int, store: Store | None = None) -> StudyServer:
    """The server of a study, listening; `serve_forever` runs it."""
    try:
        return StudyServer(path, host, port, store)
    except OSError as error:
        raise DesignError(
            f"--host {host} --port {port}: {error.strerror}; leave --port out for a free one"
        ) from error
    except OverflowError as error:
        raise DesignError(f"--port {port} must be between 0 and 65535") from error


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer

    def do_GET(self) -> None:
        """Answer one request."""
        asked = urlsplit(self.path)
        if not self.server.allows(self.headers.get("Host", ""), asked.query):
            self._send(403, "text/plain", "the token in the address is missing or wrong\n")
            return
        try:
            self._answer(asked.path)
        except ChipdseError as error:
            self._send(500, "text/plain", f"{error}\n")

    def _answer(self, path: str) -> None:
        detail = _DETAIL.fullmatch(path)
        if path == "/":
            self._send(200, "text/html", self.server.page())
        elif path == "/count":
            self._send(200, "application/json", json.dumps({"count": self.server.count()}))
        elif detail:
            self._send(200, "application/json", as_script(self.server.detail(int(detail[1]))))
        else:
            self._send(404, "text/plain", "there is only /, /count and /detail/TRIAL\n")

    def _send(self, code: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing: addresses hold the token."""
