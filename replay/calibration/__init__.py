"""Does the simulator tell the truth? A live session's own intents through the paper venue, and both told apart order by order."""
