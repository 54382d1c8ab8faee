"""Closed books: what fills, fees, funding and transfers come to, in Decimal, against every word of the venue's on it."""
