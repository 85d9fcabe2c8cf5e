"""Options of products: who uses them, how they are shown, and variants made anew under other ones."""
