"""Pond: an invented venue with one kind of market, REST for orders and one WebSocket for everything that is told."""
