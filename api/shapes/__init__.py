"""What is asked and answered, as it is written on the wire."""
