"""What touches a venue: wire protocol to events, intents to requests."""
