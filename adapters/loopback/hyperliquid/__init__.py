"""Hyperliquid's perpetuals as a server on localhost; all but `contracts` needs the extra `tapeline[hyperliquid]`."""
