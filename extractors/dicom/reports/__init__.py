"""Reports of every form: read, cut into sections, with the findings they state."""
