"""What is stored: tables and the shared words.

tenant, connector, credential, storefront: who synchronises what with what;
turn, tenant_turn, store_turn, worker_process, scheduler: whose turn it is (no content, see `turn.py`);
run, run_counter, run_message, slice_log: what happened;
mirror, source_item, item_text, family_standing, source_page, source_staged: what the source says, how it is found;
store_item, store_page: what the store holds;
relation, pending_change: what belongs together, what is to be sent;
item_status, item_count, item_history: what came of it, how often, and before;
api_key, journal, answered: who comes in, what they changed, what they were answered;
webhook, webhook_delivery: who is told what happened, and what is on its way to them.
"""
