"""The scheduler, simulated: thousands of tenants, hours of slots, played in seconds, with the product's own tags."""
