"""The server of a live report: it only reads, and it answers only its user."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from chipdse.report.page.serve import make_server

pytestmark = pytest.mark.tools


def answer(address: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as got:
            json.loads(got.read())
            return int(got.status)
    except urllib.error.HTTPError as error:
        return error.code


def refused_code(address: str, **headers: str) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(address, headers=headers))
    return refused.value.code, refused.value.read().decode()


def test_the_server_only_reads_and_only_for_its_user(server: Any, tmp_path: Path) -> None:
    base, _, token = server.address.partition("?")
    assert token.startswith("token=") and len(token) > 30
    assert answer(f"{base}count?{token}") == 200
    assert answer(f"{base}detail/99999?{token}") == 200  # says that there is none
    assert answer(f"{base}../study.db?{token}") == 404
    assert answer(f"{base}count?{token}", Host="evil.example:80") == 403
    request = urllib.request.Request(f"{base}count?{token}", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 501
    with make_server(server.folder.path, "0.0.0.0", 0) as open_to_all:
        threading.Thread(target=open_to_all.serve_forever, daemon=True).start()
        address = open_to_all.address.replace("0.0.0.0", "127.0.0.1")
        base, _, token = address.partition("?")
        assert answer(f"{base}count") == 403
        assert answer(f"{base}count?token=wrong") == 403
        assert answer(f"{base}count?{token}") == 200
        open_to_all.shutdown()


def test_loopback_asks_for_the_token_too(server: Any) -> None:
    base, _, token = server.address.partition("?token=")
    code, text = refused_code(f"{base}")
    assert code == 403 and "chipdse explore" in text and server.token not in text
    for path in ("", "count", "detail/0", "nothing"):
        for wrong in ("", "?token=", "?token=wrong", f"?token={token}x", "?token=%FF%C3"):
            assert refused_code(f"{base}{path}{wrong}")[0] == 403
    with urllib.request.urlopen(f"{base}count?token={token}") as got:
        cookie = got.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    pair = cookie.partition(";")[0]
    assert answer(f"{base}count", Cookie=f"other=1; {pair}") == 200
    assert answer(f"{base}count", Authorization=f"token {token}") == 200
    for headers in (
        {"Cookie": pair[:-1]},
        {"Authorization": "token nothing"},
        {"Authorization": token},
        {"Cookie": f"chipdse-token-1={token}"},
    ):
        assert refused_code(f"{base}count", **headers)[0] == 403


@pytest.mark.parametrize("target", ["http://[bad/", "//[", "http://[::1", "/?token=%"])
def test_an_address_that_cannot_be_read_is_refused(
    server: Any, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(server.server_address[:2], timeout=20) as line:
        line.sendall(f"GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        with line.makefile() as reply:
            assert reply.readline().split()[1] in ("400", "403")
    assert "Traceback" not in "".join(capfd.readouterr())
    assert answer(server.address.replace("?", "count?")) == 200
