"""What reads a recorded session back: player, verify, simulate, audit."""
