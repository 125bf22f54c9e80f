"""The audit trail: who did what that others should be able to look up, when, and from where."""
