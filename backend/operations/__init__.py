"""The system itself: health and figures of the running process."""
