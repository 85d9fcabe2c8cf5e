"""What things are: pure values, no session, no client."""
