"""A hand-off in two questions: who passes the door, and whose turn it is now.

Why: a hand-off is what every slice costs, whatever it does. To fill the door took three questions to Postgres or more
(hold it, pass it, once for each, move the virtual time), and to take a turn up two (the turn, the log of slices). Each
is one now, by functions, whose plans are kept. Goes before the code (expand).
"""

from __future__ import annotations

from alembic import op

revision = "20261204_hand_off"
down_revision = "20261203_turns"
branch_labels = None
depends_on = None

FILLING = """
CREATE FUNCTION fill_the_door(door bigint, lasts float8, seen_within float8)
RETURNS TABLE (tenant_id bigint, connector_id bigint, epoch bigint, tenant text, name text)
LANGUAGE plpgsql AS $$
DECLARE
  held record;
  passed record;
  latest float8;
BEGIN
  SELECT * INTO held FROM hold_the_door(seen_within);
  latest := held.virtual_time;
  -- Where no worker has said how many slots it has, `door` alone counts (least() passes over NULL).
  FOR place IN 1 .. least(door, CASE WHEN held.slots IS NOT NULL THEN greatest(0, held.slots - held.running) END)
                   - held.dispatched
  LOOP
    SELECT * INTO passed FROM pass_the_door(lasts);
    EXIT WHEN NOT FOUND;
    latest := greatest(latest, passed.tag);
    tenant_id := passed.tenant_id; connector_id := passed.connector_id; epoch := passed.epoch;
    tenant := passed.tenant; name := passed.name;
    RETURN NEXT;
  END LOOP;
  IF latest > held.virtual_time THEN
    UPDATE scheduler SET virtual_time = latest;
  END IF;
END $$
"""
CLAIMING = """
CREATE FUNCTION claim_turn(connector bigint, of_epoch bigint, lease float8, by_worker text)
RETURNS TABLE (waited float8)
LANGUAGE plpgsql AS $$
DECLARE
  taken record;
  since timestamptz;
BEGIN
  UPDATE turn u SET state = 'running', started_at = now(), worker = by_worker, stop_asked = false,
         deadline = now() + make_interval(secs => lease)
  WHERE u.connector_id = connector AND u.epoch = of_epoch AND u.state = 'dispatched'
  RETURNING u.tenant_id, u.ready_at INTO taken;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- The heir of a slice that lost its turn waited from then on.
  since := greatest(taken.ready_at, (
    SELECT l.ended_at FROM slice_log l WHERE l.connector_id = connector AND l.epoch < of_epoch
    ORDER BY l.epoch DESC LIMIT 1));
  -- It may be there: who had dispatched it may have been lost with a Postgres that went down (decision 0022).
  INSERT INTO slice_log (connector_id, epoch, tenant_id, worker, ready_at)
  VALUES (connector, of_epoch, taken.tenant_id, by_worker, since) ON CONFLICT DO NOTHING;
  waited := extract(epoch FROM now() - since);
  RETURN NEXT;
END $$
"""


def upgrade() -> None:
    op.execute(FILLING)
    op.execute(CLAIMING)


def downgrade() -> None:
    op.execute("DROP FUNCTION claim_turn(bigint, bigint, float8, text)")
    op.execute("DROP FUNCTION fill_the_door(bigint, float8, float8)")
