"""What a school runs beside the app itself: files for its servers, and machines made of plain processes."""
