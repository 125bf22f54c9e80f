"""The weekly letter: to teachers about their classes, to students about their own week; for those who want it."""
