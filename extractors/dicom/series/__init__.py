"""Series: slices in their order in space, frames of one object, volumes, and which to show."""
