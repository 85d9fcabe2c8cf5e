"""What is stored: tables and the shared words.

tenant, connector, credential, storefront: who synchronises what with what;
turn, tenant_turn, store_turn, worker_process, scheduler: whose turn it is (no content, see `turn.py`);
run, run_counter, run_message, slice_log: what happened;
mirror, source_item, source_page, source_staged: what the source says;
store_item, store_page: what the store holds;
relation, pending_change, item_status: what belongs together, what is to be sent, what came of it;
webhook, webhook_delivery: who is told what happened, and what is on its way to them.
"""
