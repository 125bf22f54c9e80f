"""Keys, encryption, signatures, tokens, passwords, one-time codes, certificates."""
