"""Serve a study's page live: read-only, to this machine alone unless asked otherwise.

A token is asked for on every host, loopback included: on a shared login node every user reaches
the loopback ports of the others. It is made anew at each start, printed as part of the address,
and kept by the browser as a cookie from then on; scripts may send it as a header instead.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import sys
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chipdse.errors import ChipdseError, DesignError
from chipdse.report.page import point_of, report_html
from chipdse.report.page.data import as_script
from chipdse.store.store import Store, default_store
from chipdse.study.results.points import points_table
from chipdse.study.storage.folder import open_study
from chipdse.study.storage.since import changes_of, version_text
from chipdse.study.storage.trials import finished

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_DETAIL = re.compile(r"/detail/(\d{1,9})")


def serve(path: Path, host: str, port: int, store: Store | None = None) -> None:
    """Serve until interrupted; prints the address, which holds the token.

    Raises
    ------
    DesignError : no study, or the address cannot be used
    """
    server = make_server(path, host, port, store)
    with server:
        print(f"{path}: {version_text(server.folder)}", file=sys.stderr)
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
        self.token = secrets.token_urlsafe(24)
        self.is_local = host in _LOOPBACK
        self.details: dict[int, dict[str, Any]] = {}
        self.looking = threading.Lock()  # one request looks into the study at a time
        self.folder = open_study(path)  # kept: only what is new is read again
        self.shown: tuple[tuple[int, str], str] = ((-1, ""), "")  # of so many trials and versions
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        host, port = self.server_address[:2]
        shown = host.decode() if isinstance(host, bytes) else host
        return f"http://{shown}:{port}/?token={self.token}"

    @property
    def cookie(self) -> str:
        """Name of the cookie that holds the token; servers on other ports have others."""
        return f"chipdse-token-{self.server_address[1]}"

    def allows(self, headers: Message, query: str) -> bool:
        """Whether a request may be answered: it has the token, and names this machine.

        The token may be in the address, in the cookie, or in ``Authorization: token ...``. On
        loopback the Host header must name loopback, so that a page from elsewhere whose name was
        made to point here is refused.
        """
        host = headers.get("Host", "")
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        if self.is_local and name.strip("[]") not in _LOOPBACK:
            return False
        kind, _, bearer = headers.get("Authorization", "").partition(" ")
        given = [
            *parse_qs(query).get("token", []),
            *_cookies(headers.get("Cookie", ""), self.cookie),
            *([bearer.strip()] if kind.lower() == "token" else []),
        ]
        return any([self.is_token(token) for token in given])

    def is_token(self, given: str) -> bool:
        """Whether a text is the token; takes as long for every text of a length."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def count(self) -> int:
        """How many trials are finished."""
        with self.looking:
            return len(finished(self.folder.study))

    def page(self) -> str:
        """The page; made anew once more trials are finished."""
        count = self.count()
        with self.looking:
            state = (count, version_text(self.folder))
            if self.shown[0][1] != state[1]:
                self.details.clear()  # they may be of another version
            if self.shown[0] != state:
                self.shown = (state, report_html(self.folder, None, live=True))
            return self.shown[1]

    def detail(self, trial: int) -> dict[str, Any]:
        """What is inside a point; looked into once."""
        with self.looking:
            known = self.details.get(trial)
            if known is not None and not changes_of(self.folder):
                return known
            detail = point_of(self.folder, points_table(self.folder), trial, self.store)
            if "error" not in detail:  # another time it may be there
                self.details[trial] = detail
            return detail


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


_REFUSED = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>token needed</title></head>'
    "<body><h1>This study needs its token</h1><p>The token in the address is missing or wrong."
    " Open the address that <code>chipdse explore</code> printed in its terminal when it started:"
    " it ends in <code>?token=...</code>. A script may send the header"
    " <code>Authorization: token ...</code> instead.</p></body></html>\n"
)


def _cookies(header: str, name: str) -> list[str]:
    """The values of a cookie in a request's header."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return [value for key, _, value in pairs if key == name]


class _Handler(BaseHTTPRequestHandler):
    server: StudyServer
    remember = False

    def do_GET(self) -> None:
        """Answer one request."""
        try:
            asked = urlsplit(self.path)
            query = parse_qs(asked.query)
        except ValueError:  # e.g. http://[bad/
            self._send(400, "text/plain", "the address cannot be read\n")
            return
        if not self.server.allows(self.headers, asked.query):
            self._send(403, "text/html", _REFUSED)
            return
        self.remember = any([self.server.is_token(token) for token in query.get("token", [])])
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
        if self.remember and code == 200:
            cookie = f"{self.server.cookie}={self.server.token}; Path=/; HttpOnly; SameSite=Strict"
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing: addresses hold the token."""
