"""The metadata of all tables, and what their columns have in common.

The tables are in the modules `…_tables`; a test compares them to the migrations.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    MetaData,
    func,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: The type of a moment, in UTC.
Moment = DateTime(timezone=True)


def id_column() -> Column[int]:
    """Return a primary key that PostgreSQL numbers."""
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def created_column() -> Column[object]:
    """Return the column with the moment at which a row was inserted."""
    return Column("created_at", Moment, nullable=False, server_default=func.now())
