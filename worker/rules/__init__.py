"""What we decide: pure functions over values."""
