"""The database of a Prefect server of our own: SQLite below PREFECT_HOME, or the PostgreSQL that is named.

Knows nothing of what Prefect keeps there.  No message holds a password.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import asyncpg  # type: ignore[import-untyped]
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL, get_current_settings
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from data.errors import BackendUnavailable, ConfigError

_VARIABLE = "PREFECT_API_DATABASE_CONNECTION_URL"
_FORM = "postgresql+asyncpg://USER:PASSWORD@HOST:5432/DATABASE"
_POSTGRESQL = "postgresql+asyncpg"
_SQLITE = "sqlite+aiosqlite"
_TIMEOUT_SECONDS = 10.0
EXTENSION = "pg_trgm"
"""What the migrations of Prefect need of PostgreSQL besides itself."""


def named_database() -> URL | None:
    """The database that Prefect's settings name; None when it is SQLite below ``PREFECT_HOME``.

    Raises ``ConfigError`` for what Prefect cannot use.
    """
    written = PREFECT_API_DATABASE_CONNECTION_URL.value()
    secret = written.get_secret_value() if hasattr(written, "get_secret_value") else written
    if not secret:
        return None
    try:
        url = make_url(secret)
    except (ArgumentError, ValueError):  # whose text may hold the password
        raise ConfigError(f"{_VARIABLE} is no address of a database; it reads {_FORM}") from None
    if url.drivername not in (_POSTGRESQL, _SQLITE):
        raise ConfigError(
            f"{_VARIABLE} begins with {url.drivername!r}, and Prefect needs {_POSTGRESQL!r} or {_SQLITE!r}: "
            f"{_FORM}"
        )
    return url


def require_database() -> None:
    """That a PostgreSQL which Prefect's settings name lets us in, told before a server is started.

    Raises ``ConfigError`` for a wrong user or password, a database that is not there or a PostgreSQL
    without what Prefect needs, ``BackendUnavailable`` when nobody answers.
    """
    url = named_database()
    if url is not None and url.drivername == _POSTGRESQL:
        asyncio.run(_enter(url))


def without_password(text: str) -> str:
    """``text`` on one line, with stars for the password of the database."""
    url = named_database()
    line = " ".join(text.split())
    if url is None or not url.password:
        return line
    for spelled in (str(url.password), quote(str(url.password), safe="")):
        line = line.replace(spelled, "***")
    return line


async def _enter(url: URL) -> None:
    place = f"PostgreSQL at {url.host or 'the local socket'}:{url.port or 5432}"
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), engine.connect() as connection:
            query = text("SELECT count(*) FROM pg_available_extensions WHERE name = :name").bindparams(
                name=EXTENSION
            )
            has_trigrams = await connection.scalar(query)
    except asyncpg.InvalidCatalogNameError as error:
        raise ConfigError(
            f"{place} has no database {url.database!r}: create it (CREATE DATABASE), or correct {_VARIABLE}"
        ) from error
    except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InsufficientPrivilegeError) as error:
        raise ConfigError(
            f"{place} does not let {url.username!r} into {url.database!r} ({without_password(str(error))}): "
            f"correct the user and the password in {_VARIABLE}; in a password @ : / are written %40 %3A %2F"
        ) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        raise BackendUnavailable(
            f"{place} does not answer ({type(error).__name__}: {without_password(str(error))}): start it, or "
            f"correct {_VARIABLE}; without that variable Prefect uses SQLite below "
            f"{get_current_settings().home}"
        ) from error
    finally:
        await engine.dispose()
    if not has_trigrams:
        raise ConfigError(
            f"{place} lacks the extension {EXTENSION}, which Prefect's tables need: install what brings it "
            "(postgresql-contrib in many distributions)"
        )
