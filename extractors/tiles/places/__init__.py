"""Where on Earth and at what time of the year a tile was taken, without asking any server."""

from .lookup import place_of, places_of
from .seasons import hemisphere, season_of

__all__ = ["hemisphere", "place_of", "places_of", "season_of"]
