"""The scheduler, simulated: thousands of tenants and hours of slots, played in seconds."""
