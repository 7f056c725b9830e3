"""No password of a storage is ever written or printed."""

from __future__ import annotations

import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from chipdse.cli import main
from chipdse.errors import DesignError
from chipdse.secret_names import without_url_secrets
from chipdse.store.recording import digests
from chipdse.study.storage.secrets import masked, masked_url, secret_arguments, without_secrets
from chipdse.study.storage.storage import open_storage
from tests.support import programs, servers
from tests.support import small_sweep as sweeps
from tests.support.counter_project import counter_project

SECRET = "S3cret/pw?2@"
NAMES = ("password", "PASSWORD", "sslpassword", "SslPassword", "oauth_client_secret", "pass%77ord")


@pytest.mark.slow
@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=20),
    st.sampled_from(NAMES),
    st.booleans(),
)
def test_no_secret_is_left_in_a_url(secret: str, name: str, in_user: bool) -> None:
    secret = f"#{secret}#"  # which occurs nowhere else
    text = quote(secret, safe="")
    rest = f"db.example.org:5432/d?sslmode=require&passfile=/home/me/.pgpass&{name}={text}"
    options = quote(f"-c app.password={text} -c timezone=utc", safe="")
    url = f"postgresql://me{':' + text if in_user else ''}@{rest}&options={options}"
    parsed = sqlalchemy.make_url(url)
    kept = without_secrets(parsed).render_as_string(hide_password=False)
    for shown in (kept, masked_url(url), masked(f"no {secret} or {text} here", url)):
        assert secret not in shown and text not in shown
    again = sqlalchemy.make_url(kept)
    assert (again.host, again.port, again.database) == ("db.example.org", 5432, "d")
    assert again.query["passfile"] == "/home/me/.pgpass" and again.query["sslmode"] == "require"
    assert "timezone=utc" in again.query["options"]
    assert secret in secret_arguments(parsed).values()


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12))
def test_nor_in_what_is_no_url(tail: str) -> None:
    """A password with characters that belong encoded: refused, and not shown in part."""
    secret = f"hunter{tail}2hunter"
    url = f"postgresql://me:{secret}@/db"
    assert secret not in masked_url(url)
    if set(secret) & set("@/?"):
        with pytest.raises(DesignError) as caught:
            open_storage(url, Path())
        text = "".join(traceback.format_exception(caught.value))
        said = text[text.rindex("DesignError") :]
        assert "hunter" not in said


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter@hunter/hunter?hunter@127.0.0.1:1/db",
        "postgresql://me:hunter@hunter?hunter=hunter@127.0.0.1:1/db",
        "postgresql://me:1?hunter=hunter@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?service=x#password=hunter",
    ],
)
def test_a_password_that_is_read_as_host_and_parameters_is_not_shown(url: str) -> None:
    with pytest.raises(DesignError, match="write %40") as caught:
        open_storage(url, Path())
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_refused_connection_shows_none(tmp_path: Path, name: str) -> None:
    pytest.importorskip("psycopg")
    url = f"postgresql://me@127.0.0.1:{servers.free_port()}/d?{name}={quote(SECRET, safe='')}"
    with pytest.raises(DesignError, match="cannot be opened") as caught:
        open_storage(url, tmp_path)
    said = str(caught.value)
    assert SECRET not in said and quote(SECRET, safe="") not in said
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


MISTYPED = (
    "postgresql:/me:{}@h/d",
    "me:{}@h/d",
    "postgresql//me:{}@h/d",
    "host=h user=me password={}",
    "host=h user=me sslpassword = '{}'",
    "postgresql://h/d?user=me&password={0}&unknown={0}",
    "postgresql://me:{}@h:port/d",
)


@pytest.mark.parametrize("url", MISTYPED)
@pytest.mark.parametrize("secret", [quote(SECRET, safe=""), "plain-S3cret"])
def test_a_mistyped_url_shows_none(tmp_path: Path, url: str, secret: str) -> None:
    """Also a text such as PostgreSQL's own programs take, and a secret that is given twice."""
    pytest.importorskip("psycopg")
    with pytest.raises(DesignError) as caught:
        open_storage(url.format(secret), tmp_path)
    assert secret not in str(caught.value) and "***" in str(caught.value)


@pytest.mark.parametrize(
    "words",
    [
        ("sweep", "{file}", "{url}"),
        ("sweep", "{url}"),
        ("sweep", "{file}", "--study", "{url}"),
        ("sweep", "{file}", "--workers", "{url}"),
        ("front", "{url}"),
        ("status", "{url}"),
        ("compare", "{url}", "{url}"),
        ("cache", "{url}"),
        ("{url}",),
    ],
)
@pytest.mark.parametrize("tail", ["me:{}@db.example.org/d", "me@db.example.org/d?password={}"])
def test_a_url_in_the_wrong_place_shows_none(
    tmp_path: Path,
    words: tuple[str, ...],
    tail: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A storage's URL without ``--storage``, or behind another option."""
    file = counter_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for secret in ("plain-S3cret", quote(SECRET, safe="")):
        url = "postgresql://" + tail.format(secret)
        try:
            code = main([word.format(file=file, url=url) for word in words])
        except SystemExit as ended:
            code = int(str(ended.code))
        said = capsys.readouterr()
        assert code == 2 and len(said.err.splitlines()) == 1
        assert secret not in said.out + said.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgresql:/me:{}@h/d", "write postgresql://HOST/DATABASE"),
        ("postgresql//me:{}@h/d", "write postgresql://HOST/DATABASE"),
        ("postgresql://me:{}@h:port/d", "write postgresql://HOST/DATABASE"),
        ("postgresql://me:{}@x@h/d", "in a password write %40"),
    ],
)
def test_the_advice_is_not_masked_with_the_password(
    tmp_path: Path, url: str, advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = counter_project(tmp_path)
    assert main(["sweep", str(file), "--storage", url.format("plain-S3cret")]) == 2
    said = capsys.readouterr().err
    assert advice in said and "plain-S3cret" not in said and len(said.splitlines()) == 1


@pytest.mark.parametrize("url", ["postgresql//me:{}@h/d", "postgresql/me:{}@h/d"])
def test_a_message_with_a_mistyped_url_shows_none(url: str) -> None:
    """As a path, such a text loses a slash."""
    said = without_url_secrets(f"sweep file {url.format(SECRET)} cannot be read")
    assert said == f"sweep file {url.format('***')} cannot be read"
    assert without_url_secrets("cells.lib:3: unexpected @") == "cells.lib:3: unexpected @"


@pytest.mark.slow
def test_variables_that_hold_secrets_have_slow_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that goes through the environment depends on all variables; a plain hash of a
    password would help to guess it."""
    values = {
        "PGPASSWORD": "weak",
        "OWN_API_KEY": "weak",
        "DATABASE_URL": "postgresql://me:weak@h/d",
        "WIDTH": "weak",
    }
    digest_by_name = {}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
        digest_by_name[name] = digests.environment_digest(name)
        monkeypatch.setenv(name, value + "er")
        assert digests.environment_digest(name) != digest_by_name[name]
    plain = [n for n, value in values.items() if digest_by_name[n] == digests.digest_of_text(value)]
    assert plain == ["WIDTH"] and digest_by_name["PGPASSWORD"] != digest_by_name["OWN_API_KEY"]


@pytest.mark.tools
def test_a_sweep_in_postgresql_keeps_none(tmp_path: Path) -> None:
    """By the installed program: the study's folder, what is printed, and the sweep's next run."""
    text = quote(SECRET, safe="")
    with servers.postgresql() as server:
        url = f"{server.url('secret')}?password={text}&sslmode=disable"
        file, study = counter_project(tmp_path), tmp_path / "study"
        said = sweeps.run(file, study, tmp_path / "cache", "--storage", url, "--trials", "1")
        shown = programs.chipdse("front", study, "--json", "--all")
    words = ("sweep", file, "--study", study, "--storage", url)
    refused = programs.chipdse(*words, code=2)
    assert len(refused.stderr.splitlines()) == 1
    written = [path.read_bytes() for path in study.rglob("*") if path.is_file()]
    printed = [said, shown.stdout, shown.stderr, refused.stdout, refused.stderr]
    for one in (*written, *(text.encode() for text in printed)):
        assert SECRET.encode() not in one and text.encode() not in one
    assert "sslmode=disable" in (study / "study.json").read_text()
