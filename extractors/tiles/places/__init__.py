"""Where on Earth and at what time of the year a tile was taken, without asking any server."""
