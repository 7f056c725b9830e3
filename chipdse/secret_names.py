"""How a secret is recognised: by the name that it is given, or by its place in a URL.

This module imports nothing but the standard library: benches and the command line load it.
"""

from __future__ import annotations

import re

MASK = "***"
_NAMES = r"passw|passphrase|pwd|secret|token|credential|scram_\w*_key|(?:api|access|private)_?key"
_NAME = re.compile(_NAMES, re.IGNORECASE)
"""Names of parameters that hold secrets; `passfile` and `sslkey` name files and hold none."""
# As a path, a URL has one slash, and a mistyped one may lack the colon. What stands before the
# last "@" belongs to the password: one with "@", "/" or "?" in it is no valid URL, and is a secret
# all the same.
_USER_INFO = re.compile(
    r"((?::/{1,2}|//|\bpostgres\w*/)[^\s:@/?#'\"]*:).*@", re.DOTALL | re.IGNORECASE
)
_IN_QUERY = re.compile(rf"([?&;]\w*(?:{_NAMES})\w*=)[^&;\s'\"]+", re.IGNORECASE)


def is_secret(name: str) -> bool:
    """Whether a parameter or variable of that name holds a secret."""
    return _NAME.search(name) is not None


def may_hold_secret(name: str, value: str) -> bool:
    """Whether an environment variable holds a secret: by its name, or as a URL with a password."""
    return is_secret(name) or _USER_INFO.search(value) is not None


def without_url_secrets(text: str) -> str:
    """A text, with the passwords masked in the URLs that it mentions."""
    return _IN_QUERY.sub(rf"\1{MASK}", _USER_INFO.sub(rf"\1{MASK}@", text))
