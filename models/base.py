"""The ground that all tables stand on.

Every table of a tenant's data carries `tenant_id`; the first migration forces
row-level security on each of them (law 12 of the design).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, MetaData, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

LARGE = {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_analyze_scale_factor": "0.02"}
"""Of tables with a row for each item: cleaned when a twentieth is dead, not a fifth (decision 0018)."""
QUEUE = {"autovacuum_vacuum_scale_factor": "0.01", "autovacuum_vacuum_threshold": "10000"}
"""Of tables whose rows come and go: cleaned by a number of rows."""
NO_STOREFRONT = 0
"""The storefront of what is not told apart by storefront: products and variants."""

Id = Annotated[int, mapped_column(BigInteger, primary_key=True)]
NewId = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=True)]
Number = Annotated[int, mapped_column(BigInteger)]
Word = Annotated[str, mapped_column(Text)]
Json = Annotated[dict[str, Any], mapped_column(JSONB)]
When = Annotated[datetime, mapped_column(DateTime(timezone=True))]
Now = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]


class Base(DeclarativeBase):
    """Base of all tables: constraint names by convention, so that migrations can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
