"""The browser door: a folder per noun; shell/navigation.py names the files that are pages."""
