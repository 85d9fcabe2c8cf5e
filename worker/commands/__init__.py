"""What somebody may ask of the service, by whichever door they come."""
