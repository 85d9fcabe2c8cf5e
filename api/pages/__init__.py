"""The pages for people: Activity Register, runs, item statuses, settings, and the operator's overview."""
