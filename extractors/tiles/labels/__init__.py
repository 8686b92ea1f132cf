"""What is known of a tile: its class, the objects in it, what lies around, what covers it."""
