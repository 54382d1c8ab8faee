"""Views over the journal for whoever asks in SQL, the same names and columns on SQLite and PostgreSQL; docs/audit.md.

Money is NUMERIC: exact on PostgreSQL, on SQLite a float to 15 digits, since it has no decimal type. What must be exact to
the last digit there is text in `journal.payload`. Times are ns UTC. Nothing of Tapeline itself reads a view.

Encrypted sessions are in none of them: half of a row would be NULL, and sums over it would be wrong without saying so.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from state.log.database import Connection

# The order of `state/order_table.py`: of all that was said of an order, the highest holds.
_RANKS = ("pending", "open", "partially_filled", "rejected", "expired", "cancelled", "filled")


def create_views(connection: "Connection") -> None:
    """Makes the views in the transaction that is open, where they are not there yet."""
    there = connection.views()
    for name, body in _VIEWS.items():
        if name not in there:
            connection.execute(f"CREATE VIEW {name} AS {_spelled(body, connection.dialect == 'postgresql')}")


def renew_views(connection: "Connection") -> None:
    """Makes them anew where they are of a time that knew no encrypted sessions, of which those would say what is not so."""
    there = connection.views()
    if _OPEN not in there:
        for name in reversed([name for name in _VIEWS if name in there]):
            connection.execute(f"DROP VIEW {name}")
        create_views(connection)


def _spelled(body: str, postgres: bool) -> str:
    """A view's text with `text(x)`, `number(x)`, `truth(x)` and `whole(x)` of a payload's field in the database's words."""
    words = _POSTGRES if postgres else _SQLITE
    for kind, spelled in words.items():
        parts = body.split(f"{kind}(:")
        body = parts[0]
        for part in parts[1:]:
            field, _, rest = part.partition(")")
            body += spelled.format(field) + rest
    return body


_SQLITE = {
    "text": "(payload ->> '{}')",
    "number": "CAST(payload ->> '{}' AS NUMERIC)",
    "whole": "CAST(payload ->> '{}' AS INTEGER)",
    "truth": "(payload ->> '{}')",
}
# A NUL that a venue sent is valid JSON, but no text of PostgreSQL's.
_JSON = r"(replace(payload, '\u0000', '\ufffd')::json ->> '{}')"
_POSTGRES = {
    "text": _JSON,
    "number": f"{_JSON}::numeric",
    "whole": f"{_JSON}::bigint",
    "truth": f"{_JSON}::boolean",
}

_FILLS = """
WITH said AS (
    SELECT session, seq, recv, venue, symbol, order_id, client_id, frame,
        text(:fill_id) AS fill_id, text(:side) AS side, number(:price) AS price, number(:size) AS size,
        number(:fee) AS fee, text(:fee_asset) AS fee_asset, truth(:maker) AS maker, text(:kind) AS kind,
        number(:realized_pnl) AS realized_pnl, truth(:backfilled) AS backfilled, whole(:ts) AS ts
    FROM open_journal WHERE type = 'Fill'
), firsts AS (
    SELECT session, venue, symbol, side, fill_id, min(seq) AS seq FROM said GROUP BY 1, 2, 3, 4, 5
), names AS (
    SELECT session, venue, order_id, max(client_id) AS client_id FROM open_journal
    WHERE type IN ('Accepted', 'OrderUpdate') AND order_id IS NOT NULL AND client_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT said.session, said.seq, said.recv, said.ts, said.venue, said.symbol, said.fill_id, said.order_id,
    COALESCE(said.client_id, names.client_id) AS client_id, said.side, said.price, said.size, said.fee, said.fee_asset,
    said.maker, said.kind, said.realized_pnl, said.backfilled, said.frame
FROM said
JOIN firsts ON firsts.session = said.session AND firsts.seq = said.seq
LEFT JOIN names ON names.session = said.session AND names.venue = said.venue AND names.order_id = said.order_id
"""

_ORDERS = f"""
WITH placed AS (
    SELECT session, seq, recv, cause, venue, symbol, client_id, strategy, text(:label) AS label, text(:side) AS side,
        text(:kind) AS kind, text(:tif) AS tif, number(:price) AS price, number(:size) AS size,
        truth(:reduce_only) AS reduce_only
    FROM open_journal WHERE type = 'PlaceOrder'
), told AS (
    SELECT session, venue, client_id, max(order_id) AS order_id, max(seq) AS seq,
        max(CASE text(:status) {" ".join(f"WHEN '{word}' THEN {rank}" for rank, word in enumerate(_RANKS))} END) AS rank
    FROM open_journal WHERE type = 'OrderUpdate' AND client_id IS NOT NULL GROUP BY 1, 2, 3
), answers AS (
    SELECT session, cause, min(seq) AS seq, min(recv) AS recv, min(type) AS type, max(order_id) AS order_id
    FROM open_journal WHERE type IN ('Accepted', 'Rejected', 'Unknown') AND cause > 0 GROUP BY 1, 2
), amends AS (
    SELECT session, venue, client_id, count(*) AS amends FROM open_journal WHERE type = 'AmendOrder' GROUP BY 1, 2, 3
), filled AS (
    SELECT session, venue, client_id, sum(size) AS size, sum(price * size) AS value, min(seq) AS seq, count(*) AS fills
    FROM fills WHERE client_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT placed.session, placed.seq AS placed_seq, placed.recv AS placed, placed.cause, placed.venue, placed.symbol,
    placed.client_id, COALESCE(told.order_id, answers.order_id) AS order_id, placed.strategy, placed.label, placed.side,
    placed.kind, placed.tif, placed.price, placed.size, placed.reduce_only,
    CASE CASE WHEN filled.size IS NOT NULL AND COALESCE(told.rank, 0) < 2 THEN 2
            ELSE COALESCE(told.rank, CASE answers.type WHEN 'Rejected' THEN 3 ELSE 0 END) END
        {" ".join(f"WHEN {rank} THEN '{word}'" for rank, word in enumerate(_RANKS))} END AS status,
    answers.type AS outcome, answers.seq AS outcome_seq, answers.recv AS answered,
    COALESCE(amends.amends, 0) AS amends, COALESCE(filled.fills, 0) AS fills, COALESCE(filled.size, 0) AS filled,
    filled.value * 1.0 / filled.size AS avg_price, filled.seq AS first_fill_seq
FROM placed
LEFT JOIN told ON told.session = placed.session AND told.venue = placed.venue AND told.client_id = placed.client_id
LEFT JOIN answers ON answers.session = placed.session AND answers.cause = placed.seq
LEFT JOIN amends ON amends.session = placed.session AND amends.venue = placed.venue
    AND amends.client_id = placed.client_id
LEFT JOIN filled ON filled.session = placed.session AND filled.venue = placed.venue
    AND filled.client_id = placed.client_id
"""  # noqa: S608 (made of the constants above)

_POSITIONS = """
WITH ready AS (
    SELECT session, venue, min(seq) AS seq FROM open_journal
    WHERE type = 'FeedStatus' AND text(:channel) = 'account' AND text(:status) = 'ok' GROUP BY 1, 2
), reports AS (
    SELECT session, seq, venue, symbol, number(:size) AS size, number(:entry_price) AS entry_price
    FROM open_journal WHERE type = 'PositionUpdate'
), spans AS (
    SELECT session, venue, symbol, min(seq) AS first_seq, max(seq) AS last_seq FROM reports GROUP BY 1, 2, 3
), opening AS (
    SELECT spans.session, spans.venue, spans.symbol, reports.size FROM spans
    JOIN reports ON reports.session = spans.session AND reports.seq = spans.first_seq
    LEFT JOIN ready ON ready.session = spans.session AND ready.venue = spans.venue
    WHERE ready.seq IS NULL OR spans.first_seq < ready.seq
), traded AS (
    SELECT session, venue, symbol, count(*) AS fills,
        sum(CASE side WHEN 'buy' THEN size ELSE 0 END) AS bought, sum(CASE side WHEN 'sell' THEN size ELSE 0 END) AS sold,
        sum(price * size) AS turnover, sum(fee) AS fees, max(seq) AS last_fill_seq
    FROM fills GROUP BY 1, 2, 3
), paid AS (
    SELECT session, venue, symbol, sum(number(:amount)) AS funding FROM open_journal WHERE type = 'FundingPayment'
    GROUP BY 1, 2, 3
), markets AS (
    SELECT session, venue, symbol FROM traded UNION SELECT session, venue, symbol FROM spans
)
SELECT markets.session, markets.venue, markets.symbol, COALESCE(opening.size, 0) AS opening,
    COALESCE(traded.bought, 0) AS bought, COALESCE(traded.sold, 0) AS sold,
    COALESCE(opening.size, 0) + COALESCE(traded.bought, 0) - COALESCE(traded.sold, 0) AS size,
    COALESCE(traded.fills, 0) AS fills, COALESCE(traded.turnover, 0) AS turnover, COALESCE(traded.fees, 0) AS fees,
    COALESCE(paid.funding, 0) AS funding, reports.size AS reported, reports.entry_price AS reported_entry,
    reports.seq AS reported_seq, traded.last_fill_seq
FROM markets
LEFT JOIN opening ON opening.session = markets.session AND opening.venue = markets.venue
    AND opening.symbol = markets.symbol
LEFT JOIN traded ON traded.session = markets.session AND traded.venue = markets.venue AND traded.symbol = markets.symbol
LEFT JOIN paid ON paid.session = markets.session AND paid.venue = markets.venue AND paid.symbol = markets.symbol
LEFT JOIN spans ON spans.session = markets.session AND spans.venue = markets.venue AND spans.symbol = markets.symbol
LEFT JOIN reports ON reports.session = spans.session AND reports.seq = spans.last_seq
"""

_LATENCY = """
WITH answers AS (
    SELECT session, cause, min(seq) AS seq, min(recv) AS recv, min(type) AS type FROM open_journal
    WHERE type IN ('Accepted', 'Rejected', 'Unknown') AND cause > 0 GROUP BY 1, 2
), filled AS (
    SELECT session, venue, client_id, min(seq) AS seq, min(recv) AS recv FROM fills
    WHERE client_id IS NOT NULL GROUP BY 1, 2, 3
)
SELECT asked.session, asked.seq, asked.recv, asked.cause, asked.venue, asked.symbol, asked.strategy, asked.client_id,
    CASE asked.type WHEN 'PlaceOrder' THEN 'place' WHEN 'AmendOrder' THEN 'amend' WHEN 'CancelOrder' THEN 'cancel'
        ELSE 'cancel_all' END AS action,
    answers.type AS outcome, answers.seq AS outcome_seq, answers.recv - asked.recv AS answer_ns,
    filled.seq AS fill_seq, filled.recv - asked.recv AS fill_ns
FROM open_journal AS asked
LEFT JOIN answers ON answers.session = asked.session AND answers.cause = asked.seq
LEFT JOIN filled ON asked.type = 'PlaceOrder' AND filled.session = asked.session AND filled.venue = asked.venue
    AND filled.client_id = asked.client_id
WHERE asked.type IN ('PlaceOrder', 'AmendOrder', 'CancelOrder', 'CancelAll')
"""

_REFUSALS = """
SELECT session, seq, recv, cause, venue, symbol, 'venue' AS refused_by, text(:action) AS action, client_id, strategy,
    text(:refusal) AS rule, text(:code) AS code, text(:text) AS words, NULL AS rule_limit, NULL AS value
FROM open_journal WHERE type = 'Rejected'
UNION ALL
SELECT session, seq, recv, cause, venue, symbol, 'risk', text(:action), client_id, strategy,
    text(:rule), NULL, NULL, text(:limit), text(:value)
FROM open_journal WHERE type = 'Blocked'
"""

_GAPS = """
WITH words AS (
    SELECT session, seq, recv, venue, symbol, text(:channel) AS channel, text(:status) AS status, text(:reason) AS reason
    FROM open_journal WHERE type = 'FeedStatus'
), turns AS (
    SELECT session, seq, recv, venue, symbol, channel, status, reason,
        LAG(status) OVER channel_of AS before, LEAD(seq) OVER channel_of AS until_seq,
        LEAD(recv) OVER channel_of AS until, LEAD(status) OVER channel_of AS next_status
    FROM words WINDOW channel_of AS (PARTITION BY session, venue, symbol, channel ORDER BY seq)
)
SELECT session, seq, recv, venue, symbol, channel, status, reason, until_seq, next_status, until - recv AS lasted_ns
FROM turns WHERE status <> 'ok' AND NOT (status = 'connecting' AND before IS NULL)
"""

_STEERING = """
SELECT session, seq, recv, cause, strategy, type AS what, text(:before) AS before, text(:state) AS state,
    COALESCE(text(:reason), text(:why)) AS reason, text(:params) AS params
FROM open_journal WHERE type IN ('RiskChanged', 'ParametersChanged', 'CommandRefused')
"""

_OPEN = "open_journal"
_OPEN_JOURNAL = """
SELECT * FROM journal WHERE session NOT IN (SELECT substr(key, 8) FROM meta WHERE substr(key, 1, 7) = 'key of ')
"""

# In the order in which they rest on each other.
_VIEWS = {
    _OPEN: _OPEN_JOURNAL,
    "fills": _FILLS,
    "orders": _ORDERS,
    "positions": _POSITIONS,
    "latency": _LATENCY,
    "refusals": _REFUSALS,
    "gaps": _GAPS,
    "steering": _STEERING,
}
