"""A hand-off in three questions: who passes the door, whose turn it is now, and whose no more.

Why: a hand-off is what every slice costs, whatever it does, and all others wait while the scheduler is locked for it.
To fill the door took three questions to Postgres or more (hold it, pass it, once for each, move the virtual time), and
two each to take a turn up (the turn, the log of slices) and to give it back (what was held, what becomes of it). Each
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
RELEASING = """
CREATE FUNCTION release_turn(connector bigint, of_epoch bigint, quantum float8, rests float8, has_failed boolean,
                             broken_after bigint, why text, at_step text, of_calls bigint, of_settled bigint)
RETURNS TABLE (becomes text)
LANGUAGE plpgsql AS $$
DECLARE
  held record;
  finish float8;
  next_tag float8;
BEGIN
  -- Locked in the order in which they stand (LockRows), which is everybody's. The turn stays ours until the commit:
  -- no request (`again`) and no sweep comes in between. Who waited for a lock reads what stands there by then.
  SELECT u.tenant_id, u.again, u.attempts, extract(epoch FROM now() - u.started_at)::float8 AS seconds,
    s.virtual_time, t.weight, t.virtual_finish INTO held
  FROM turn u JOIN tenant_turn t USING (tenant_id) CROSS JOIN scheduler s
  WHERE u.connector_id = connector AND u.epoch = of_epoch AND u.state = 'running' FOR UPDATE OF u, s, t;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- As tags.settle and tags.charge reckon it.
  finish := held.virtual_finish + (greatest(0.0, held.seconds) - quantum) / held.weight;
  IF has_failed AND held.attempts + 1 >= broken_after THEN
    becomes := 'broken';
  ELSIF rests IS NULL OR (held.again AND NOT has_failed) THEN
    becomes := 'ready';
    next_tag := greatest(held.virtual_time, finish);
    finish := next_tag + quantum / held.weight;
  ELSE
    becomes := 'parked';
  END IF;
  UPDATE tenant_turn SET virtual_finish = finish WHERE tenant_id = held.tenant_id;
  IF why IS NOT NULL THEN
    -- One that had lost its turn meanwhile ended then, and by that.
    UPDATE slice_log SET ended_at = coalesce(ended_at, now()), ended_why = coalesce(ended_why, why), step = at_step,
           calls = of_calls, settled = of_settled
    WHERE connector_id = connector AND epoch = of_epoch;
  END IF;
  IF becomes = 'ready' THEN
    UPDATE turn SET state = becomes, deadline = NULL, attempts = attempts + has_failed::int, ready_at = now(),
           not_before = '-infinity', again = false, tag = next_tag
    WHERE connector_id = connector AND epoch = of_epoch;
  ELSIF becomes = 'parked' THEN
    UPDATE turn SET state = becomes, deadline = NULL, attempts = attempts + has_failed::int, tag = NULL,
           not_before = CASE WHEN rests = 'infinity' THEN 'infinity'
                        ELSE now() + make_interval(secs => least(rests, 1e8)) END
    WHERE connector_id = connector AND epoch = of_epoch;
  ELSE
    UPDATE turn SET state = becomes, deadline = NULL, attempts = attempts + has_failed::int
    WHERE connector_id = connector AND epoch = of_epoch;
  END IF;
  RETURN NEXT;
END $$
"""


def upgrade() -> None:
    op.execute(FILLING)
    op.execute(CLAIMING)
    op.execute(RELEASING)


def downgrade() -> None:
    op.execute(
        "DROP FUNCTION release_turn(bigint, bigint, float8, float8, boolean, bigint, text, text, bigint, bigint)"
    )
    op.execute("DROP FUNCTION claim_turn(bigint, bigint, float8, text)")
    op.execute("DROP FUNCTION fill_the_door(bigint, float8, float8)")
