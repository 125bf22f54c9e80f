"""Backups of the school: archives, the journal since, drills, and the way back."""
