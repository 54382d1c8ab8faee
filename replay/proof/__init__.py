"""Evidence that outlives trust in the database: checkpoints, signatures, anchors, proofs of inclusion, sealed tapes."""
