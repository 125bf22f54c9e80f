"""Pages of the catalogue and of a student’s chapters."""
