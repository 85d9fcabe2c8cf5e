"""What is done: from the queue's door down to the neighbours."""
