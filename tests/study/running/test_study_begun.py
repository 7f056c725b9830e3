"""A study whose creation was cut short at any of its statements is created by the next start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from optuna.storages._rdb import models

from chipdse.study.storage.storage import open_storage


class Killed(BaseException):
    """Ends the process, as far as the storage can see."""


@contextmanager
def killed_before(statement: int) -> Iterator[list[str]]:
    """Let a storage run so many statements that write; the list has them."""
    seen: list[str] = []

    def listen(conn: object, cursor: object, text: str, *rest: object) -> None:
        if text.split()[0].upper() in ("CREATE", "INSERT", "UPDATE"):
            if len(seen) == statement:
                raise Killed
            seen.append(text)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", listen)
    try:
        yield seen
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", listen)


def begin(folder: Path) -> None:
    storage = open_storage("sqlite:///study.db", folder).optuna
    optuna.create_study(
        storage=storage, study_name="a", directions=["minimize"] * 2, load_if_exists=True
    )


@pytest.mark.slow
def test_killed_at_any_statement_of_its_creation(tmp_path: Path) -> None:
    expected = {
        index.name for table in models.BaseModel.metadata.tables.values() for index in table.indexes
    }
    assert "ix_studies_study_name" in expected
    statement = 0
    while True:
        folder = tmp_path / str(statement)
        folder.mkdir()
        try:
            with killed_before(statement) as seen:
                begin(folder)
        except Killed:
            pass
        else:
            break
        assert len(seen) == statement
        begin(folder)
        engine = sqlalchemy.create_engine(f"sqlite:///{folder / 'study.db'}")
        inspected = sqlalchemy.inspect(engine)
        indexes = {i["name"] for t in inspected.get_table_names() for i in inspected.get_indexes(t)}
        with engine.connect() as connection:
            studies = connection.execute(sqlalchemy.text("SELECT count(*) FROM studies")).scalar()
        engine.dispose()
        assert expected <= indexes, seen[-1:]
        assert studies == 1, seen[-1:]
        statement += 1
    assert statement > len(models.BaseModel.metadata.tables)
