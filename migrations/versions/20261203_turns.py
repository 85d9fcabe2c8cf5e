"""What a turn costs: fewer and shorter questions to Postgres.

Why: a turn that had nothing to do made 37 journeys to Postgres. The door is locked and counted in one question now, and
a lease is renewed by a plan that is kept. How a slice ended was a transaction of its own, in the tenant's name, since
the role scheduler could not say all that stands of it in the log of slices; it may say three numbers and a step more.
Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261203_turns"
down_revision = "20261202_pass"
branch_labels = None
depends_on = None

HOLDING = """
CREATE FUNCTION hold_the_door(seconds float8)
RETURNS TABLE (virtual_time float8, slots bigint, running bigint, dispatched bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE now_virtual float8;
BEGIN
  -- Counted after the lock is held: who had it before has committed what he dispatched.
  SELECT s.virtual_time INTO now_virtual FROM scheduler s FOR UPDATE;
  RETURN QUERY SELECT now_virtual, d.slots, d.running, d.dispatched FROM at_the_door(seconds) d;
END $$
"""
RENEWING = """
CREATE FUNCTION renew_turn(connector bigint, of_epoch bigint, lease float8, progress boolean)
RETURNS TABLE (stop_asked boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
RETURN QUERY
UPDATE turn u SET deadline = now() + make_interval(secs => lease),
       attempts = CASE WHEN progress THEN 0 ELSE attempts END
WHERE u.connector_id = connector AND u.epoch = of_epoch AND u.state = 'running' RETURNING u.stop_asked;
END $$
"""
TOLD = "step, calls, settled"


def upgrade() -> None:
    op.execute(HOLDING)
    op.execute(RENEWING)
    op.execute(f"GRANT UPDATE ({TOLD}) ON slice_log TO scheduler")


def downgrade() -> None:
    op.execute(f"REVOKE UPDATE ({TOLD}) ON slice_log FROM scheduler")
    op.execute("DROP FUNCTION renew_turn(bigint, bigint, float8, boolean)")
    op.execute("DROP FUNCTION hold_the_door(float8)")
