"""STAC items and collections: read as scenes, written as a catalogue."""
