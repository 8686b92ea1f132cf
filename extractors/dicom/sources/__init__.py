"""Finding: every file of an archive once, grouped into studies, with the reports linked to them."""
