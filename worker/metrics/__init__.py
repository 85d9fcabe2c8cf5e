"""What one process counts of itself, for Prometheus; nothing in it names a tenant."""
