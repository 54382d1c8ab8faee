"""dYdX v4 as a server on localhost: its indexer, and a chain node that takes signed transactions."""
