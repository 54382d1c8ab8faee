"""Market data that others recorded as events, not frames: tardis CSV and hftbacktest's npz become sessions like any other."""
