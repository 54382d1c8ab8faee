"""The life of an order as a table, total over every order of arrival.

Theory of operation
===================

An order is not watched, it is heard of: from the answers to our requests, from the account stream and from fills. The
three travel on different roads, so a fill may come before the acknowledgement, an update twice or late, and an amendment
may cross a fill. What is true in the end must not depend on who came first. Hence

Rule 1: knowledge only grows. Statuses have ranks,

    pending < open < partially_filled < rejected < expired < cancelled < filled

and a word moves an order up or leaves it where it is. Taking the higher of two ranks does not care for order or repetition, so
neither does where an order ends. From `rejected` on a status is terminal, and a later word of life is an old one.
`filled` stands last: fills that add up to the size are true whatever was said of a cancel. For the same reason the filled size
is the larger of the sum of distinct fills and the largest sum the venue ever reported: both count the same executions,
neither is ever added to the other.

Rule 2: an answer speaks of a request, only the stream and the fills speak of the order. Acceptance makes no order open
and no order cancelled. A refusal of the placement ends an order of which nothing else was heard; when the stream
or a fill speaks of it all the same, it lives (`Order.refused`, the only way back from a terminal status, and
one more below). An unknown outcome ends nothing: the order counts as existing until somebody knows.

Three facets stand beside the status, because each may be true in several of them: a cancel on its way
(`pending_cancel`), amendments on their way (`pending_amend`), and doubt (`unknown`). Words of the table's second part
touch only these. Whatever ends the order ends all three.

Price and size are not ranked, they are the newest that was told: of two updates the one with the higher `version`, else
with the later venue time, says what they are. An older `version` is dropped whole, but for one that ends the order: an end is
an end, and a venue whose clock was set back tells it with a number that it has passed before.

When is it filled? When the venue says so, or when fills reach the size *and* the size of every amendment without an
answer: an order of 1 that may have become 2 is not full at 1. This is looked at again whenever size or
amendments change (h11 calls such a rule state-triggered).

Some venues replace an order to amend it: an unfamiliar order id under our client id is then the same order's new life. The
old id is kept as a former one, and its end says nothing; where the old id's end came first, the order is alive again.

A terminal update that is not `firm` (a venue's best effort) is a cancel on its way: the order can still fill. Of an order whose
placement was refused it is no word of life: a venue says the same of an order that never reached it.
"""

from typing import Literal, TypeAlias, get_args

from state.words import OrderStatus

# Words that can move the status: answers to the placement, what the stream tells, what fills add up to.
Word: TypeAlias = Literal[
    "place accepted",
    "place refused",
    "told pending",
    "told open",
    "told partially_filled",
    "told rejected",
    "told expired",
    "told cancelled",
    "told filled",
    "part fill",
    "last fill",
]

# Words that touch a facet and never the status.
QuietWord: TypeAlias = Literal[
    "place unknown",
    "place duplicate",
    "amend accepted",
    "amend refused",
    "amend unknown",
    "cancel accepted",
    "cancel refused",
    "cancel gone",
    "cancel unknown",
    "told not firm",
]

TRANSITIONS: dict[OrderStatus, dict[Word, OrderStatus]] = {
    "pending": {
        "place accepted": "pending",
        "place refused": "rejected",
        "told pending": "pending",
        "told open": "open",
        "told partially_filled": "partially_filled",
        "told rejected": "rejected",
        "told expired": "expired",
        "told cancelled": "cancelled",
        "told filled": "filled",
        "part fill": "partially_filled",
        "last fill": "filled",
    },
    "open": {
        "place accepted": "open",
        "place refused": "open",
        "told pending": "open",
        "told open": "open",
        "told partially_filled": "partially_filled",
        "told rejected": "rejected",
        "told expired": "expired",
        "told cancelled": "cancelled",
        "told filled": "filled",
        "part fill": "partially_filled",
        "last fill": "filled",
    },
    "partially_filled": {
        "place accepted": "partially_filled",
        "place refused": "partially_filled",
        "told pending": "partially_filled",
        "told open": "partially_filled",
        "told partially_filled": "partially_filled",
        "told rejected": "rejected",
        "told expired": "expired",
        "told cancelled": "cancelled",
        "told filled": "filled",
        "part fill": "partially_filled",
        "last fill": "filled",
    },
    "rejected": {
        "place accepted": "rejected",
        "place refused": "rejected",
        "told pending": "rejected",
        "told open": "rejected",
        "told partially_filled": "rejected",
        "told rejected": "rejected",
        "told expired": "expired",
        "told cancelled": "cancelled",
        "told filled": "filled",
        "part fill": "rejected",
        "last fill": "filled",
    },
    "expired": {
        "place accepted": "expired",
        "place refused": "expired",
        "told pending": "expired",
        "told open": "expired",
        "told partially_filled": "expired",
        "told rejected": "expired",
        "told expired": "expired",
        "told cancelled": "cancelled",
        "told filled": "filled",
        "part fill": "expired",
        "last fill": "filled",
    },
    "cancelled": {
        "place accepted": "cancelled",
        "place refused": "cancelled",
        "told pending": "cancelled",
        "told open": "cancelled",
        "told partially_filled": "cancelled",
        "told rejected": "cancelled",
        "told expired": "cancelled",
        "told cancelled": "cancelled",
        "told filled": "filled",
        "part fill": "cancelled",
        "last fill": "filled",
    },
    "filled": {
        "place accepted": "filled",
        "place refused": "filled",
        "told pending": "filled",
        "told open": "filled",
        "told partially_filled": "filled",
        "told rejected": "filled",
        "told expired": "filled",
        "told cancelled": "filled",
        "told filled": "filled",
        "part fill": "filled",
        "last fill": "filled",
    },
}

# What each quiet word does to an order that has not ended; to one that has, nothing.
FACETS: dict[QuietWord, str] = {
    "place unknown": "`unknown`, unless something was heard of the order already",
    "place duplicate": "`unknown`, unless something was heard of the order already: the id is taken, so the order may exist",
    "amend accepted": "price and size become the amended ones; that amendment and those before it are answered",
    "amend refused": "that amendment is answered; with refusal `gone` also `unknown`",
    "amend unknown": "`unknown` until the stream speaks; the amendment stays pending",
    "cancel accepted": "still `pending_cancel`: the stream says when the order has ended",
    "cancel refused": "no longer `pending_cancel`",
    "cancel gone": "no longer `pending_cancel`, but `unknown`: filled or cancelled, the stream or a look-up will tell",
    "cancel unknown": "`unknown` until the stream speaks; still `pending_cancel`",
    "told not firm": "`pending_cancel`: the venue means to end it, fills may still come; a refused placement stays refused",
}

TOLD: dict[OrderStatus, Word] = {
    "pending": "told pending",
    "open": "told open",
    "partially_filled": "told partially_filled",
    "filled": "told filled",
    "cancelled": "told cancelled",
    "rejected": "told rejected",
    "expired": "told expired",
}

WORDS: tuple[Word, ...] = get_args(Word)


def drawn() -> str:
    """The tables as Markdown: the text of docs/order-life.md, which a test holds equal to this."""
    statuses = tuple(TRANSITIONS)
    lines = [
        "# The life of an order",
        "",
        "Drawn from `state/order_table.py`, where the theory stands. A row is what was heard, a column the status it finds,",
        "a cell the status it leaves; `·` leaves it as it is.",
        "",
        "| heard | " + " | ".join(statuses) + " |",
        "|---" * (len(statuses) + 1) + "|",
    ]
    for word in WORDS:
        ends = (TRANSITIONS[status][word] for status in statuses)
        cells = ("·" if end == status else end for status, end in zip(statuses, ends, strict=True))
        lines.append(f"| {word} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "These words never move the status, they touch what stands beside it:",
        "",
        "| heard | does |",
        "|---|---|",
    ]
    lines += [f"| {word} | {effect} |" for word, effect in FACETS.items()]
    return "\n".join(lines) + "\n"
