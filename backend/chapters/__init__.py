"""The shared catalogue of chapters. Knows no student."""
