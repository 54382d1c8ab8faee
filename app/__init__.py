"""What a person touches: command line, configuration, wiring."""
