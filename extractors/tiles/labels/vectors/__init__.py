"""What lies in a tile, from vectors with tags: OpenStreetMap and layers like it."""
