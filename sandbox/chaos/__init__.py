"""`make chaos`: everything dies, freezes or comes back empty while runs go on."""
