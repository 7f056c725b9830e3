"""Secrets in a storage's URL: taken out of what is kept, masked in what is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

import sqlalchemy

from chipdse.secret_names import MASK, is_secret

# What stands before the last "@": a password with "@", "/" or "?" in it is no valid URL, and is
# one all the same, as is one after a mistyped or forgotten "postgresql://".
_USER_INFO = re.compile(r"^(?:[^:@/?#]*:?/+)?[^:@/?#]*:(.*)@", re.DOTALL)
_SETTING = re.compile(r"([\w.]*)(\s*=\s*)('(?:[^'\\]|\\.)*'|(?:\\.|[^\s\\])*)")
"""NAME=VALUE inside ``options``, as in ``-c name=value``, or in a text such as ``host=h user=me``,
which PostgreSQL's own programs take."""


def without_secrets(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """A URL without password and without parameters that hold secrets."""
    query = {
        name: tuple(map(_plain_options, values)) if name.lower() == "options" else values
        for name, values in url.normalized_query.items()
        if not is_secret(name)
    }
    return sqlalchemy.URL.create(
        url.drivername,
        username=url.username,
        host=url.host,
        port=url.port,
        database=url.database,
        query=query,
    )


def is_cut_in_password(url: str) -> bool:
    """Whether a URL has an at sign or # after its host: its password may contain / or ?, at which
    a reader of URLs ends user, password and host."""
    _, _, rest = url.partition("://")
    return bool(set(re.sub(r"^[^/?]*", "", rest)) & {"@", "#"})


def secret_arguments(url: sqlalchemy.URL) -> dict[str, str]:
    """The password and the parameters that hold secrets, as a database's driver takes them."""
    query = {name: values[-1] for name, values in url.normalized_query.items() if is_secret(name)}
    return query if url.password is None else {"password": str(url.password), **query}


def masked(text: object, url: str) -> str:
    """A text without the secrets of a URL, however these are written there.

    Parameters
    ----------
    url : as it was given, valid or not
    """
    shown = str(text)
    for secret in sorted(set(_secrets_of(url)), key=len, reverse=True):
        shown = shown.replace(secret, MASK)
    return shown


def masked_url(url: str) -> str:
    """A URL as it was given, valid or not, with its secrets masked."""
    return masked(url, url)


def _secrets_of(url: str) -> Iterable[str]:
    """Secrets in a URL, as they stand there and decoded; none is empty."""
    secrets = [match[1] for match in [_USER_INFO.search(url)] if match]
    if "://" not in url:
        secrets += [match[3] for match in _SETTING.finditer(url) if is_secret(match[1])]
    for part in re.split(r"[?&;#]", url)[1:]:
        name, _, value = part.partition("=")
        name = unquote_plus(name)
        if is_secret(name):
            secrets.append(value)
        elif name.lower() == "options":
            for text in (value, unquote(value), unquote_plus(value)):
                secrets += [match[3] for match in _SETTING.finditer(text) if is_secret(match[1])]
    for secret in secrets:
        plain = secret.strip("'") if secret.startswith("'") else secret
        yield from filter(None, (plain, unquote(plain), unquote_plus(plain)))


def _plain_options(text: str) -> str:
    """``options`` with the values of settings that hold secrets masked."""

    def mask(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}{MASK}" if is_secret(match[1]) else match[0]

    return _SETTING.sub(mask, text)
