"""${message}

Why: ...
Goes before the code (expand) / after the code (contract): ...

Rules: name every constraint by the convention; never import a model; lock
briefly (4 s); data is moved in small batches, not here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
