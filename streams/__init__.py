"""What is concluded: the pipeline, feeds, operators, quoting, risk and strategies. Knows no venue by name."""
