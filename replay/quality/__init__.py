"""How well a session executed: latency, refusals, time at the top of the book, markouts and slippage, down to the records."""
