"""What is known: events, books, orders, ledger, reducer and the event log. Imports nothing of ours."""
