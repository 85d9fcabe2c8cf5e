"""`make chaos`: everything dies, freezes and comes back empty while runs go on; then the books are compared."""
