"""Pages of a student’s progress."""
