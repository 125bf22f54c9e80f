"""How often anybody may ask: allowances by plan, stricter sets, and less of them while the machine is loaded."""
