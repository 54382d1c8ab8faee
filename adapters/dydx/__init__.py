"""dYdX v4: perpetuals on a chain of their own. The Indexer is read, the chain is written to; nothing here opens a socket."""
