"""A tile's numbers and their picture: bands, composites, stretches, decibels, clouds."""
