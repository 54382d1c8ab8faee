"""What the system costs, measured: each run is several interleaved rounds in fresh processes, and only paired ratios count."""
