"""What Flower reads at its start (docs/operations.md, "Flower"); who may look is told by FLOWER_BASIC_AUTH alone."""

# Whose slice, of which run, in which phase; how it ended, how long it took, where.
tasks_columns = "uuid,kwargs,state,result,received,started,runtime,worker,name,routing_key"
# For looking alone: no task is sent, revoked or cut short, no worker shut down, from here.
read_only = True
# What is remembered; the register remembers for good.
max_tasks = 10_000
purge_offline_workers = 300
