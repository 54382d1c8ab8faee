"""The plan of least cost that the budgets allow. A pure function; what is planned without budgets: `streams/quoting/plan.py`.

Each level has a few choices: leave it as it is, place, amend, cancel. Each choice has a cost: of the message, of the place in
the queue that it gives up, and of what it leaves wrong. A choice takes one message of one kind at most, so the least sum under
the budgets is found exactly: creates by what they save, amends and cancels by dynamic programming over how many of each are used.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from state.errors import ConfigurationError
from state.events import CancelOrder
from state.instruments import Instrument
from state.orders import Order
from streams.quoting.budgets import Budget, Request
from streams.quoting.plan import Move, Planned, Rules, Wanted, can_be_amended, differs, fits, reach, uncrossing


class Costs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What messages and what is not as wished cost, all in one unit of the strategy's choice (bps of an order's size, say).

    With messages that cost nothing and budgets that are ample, the plan is the one of fewest intents.
    """

    create: float = 0.0
    amend: float = 0.0
    cancel: float = 0.0
    missing: float = 10.0  # a wished level without an order
    unwanted: float = 20.0  # an order where nothing is wished, or in the way of the other side
    behind_per_tick: float = 1.0  # an order further from the market than wished
    ahead_per_tick: float = 3.0  # one nearer to the market than wished, where it is picked off
    shrinking: float = (
        0.0  # share of its place that an order gives up by becoming smaller: 1 where an amendment is a new order
    )
    size: float = 5.0  # one of another size, times how much of the wished size is off, no more than all

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigurationError(f"cost {name} must not be negative, is {getattr(self, name)}")


NO_COSTS_OF_MESSAGES = Costs()


class Choice(NamedTuple):
    """One thing that can be done about a level; None is to leave it."""

    request: Request | None
    cost: float


@dataclass(frozen=True, slots=True)
class Level:
    """One order, or one wished level without any, about which something could be done. Leaving it is the first choice."""

    order: Order | None
    want: Wanted | None
    label: str
    choices: tuple[Choice, ...]


class Budgeted(NamedTuple):
    """`deferred` levels would have been treated otherwise with more messages; `cost` is the sum of all choices."""

    intents: list[Planned]
    deferred: int
    cost: float


def plan_budgeted(
    wanted: Mapping[str, Wanted],
    orders: Sequence[Order],
    instrument: Instrument,
    rules: Rules,
    budget: Budget,
    costs: Costs = NO_COSTS_OF_MESSAGES,
    *,
    held: Collection[str] = (),
    uncancelled: Collection[str] = (),
    places: Mapping[str, float] | None = None,
) -> Budgeted:
    """Intents from `orders` to `wanted`, of the least cost that the budget allows, never of more messages than it says.

    `places` says by label what the place in the queue is worth that an amendment or a cancel would give up, in the unit
    of `costs`; one that only makes an order smaller gives up `costs.shrinking` of it. Labels in `held` are neither placed
    nor amended, those in `uncancelled` not cancelled. Wished quotes must not cross each other (`snapped` sees to it).
    """
    levels = levels_of(wanted, orders, instrument, rules, costs, held, uncancelled, places or {})
    free = [min(range(len(level.choices)), key=lambda i: (level.choices[i].cost, i)) for level in levels]
    chosen = free if _fits_budget(levels, free, budget) else _least(levels, budget)
    cancels: list[Planned] = []
    moves: list[Move] = []
    for level, place in zip(levels, chosen, strict=True):
        request = level.choices[place].request
        if request == "cancel" and level.order is not None:
            order = level.order
            cancels.append(CancelOrder(order.venue, order.symbol, order.client_id, rules.strategy))
        elif request is not None and level.want is not None:
            moves.append(Move(level.label, level.want, level.order))
    deferred = sum(a != b for a, b in zip(free, chosen, strict=True))
    cost = sum(level.choices[place].cost for level, place in zip(levels, chosen, strict=True))
    return Budgeted(cancels + uncrossing(moves, orders, instrument, rules), deferred, cost)


def levels_of(
    wanted: Mapping[str, Wanted],
    orders: Sequence[Order],
    instrument: Instrument,
    rules: Rules,
    costs: Costs,
    held: Collection[str],
    uncancelled: Collection[str],
    places: Mapping[str, float],
) -> list[Level]:
    """What could be done, and what each of it costs; in the order of `orders`, then of `wanted`."""
    bid, ask = reach(orders)

    def is_free(want: Wanted) -> bool:
        """No order of ours on the other side stands in the way."""
        return (ask is None or want.price < ask) if want.side == "buy" else (bid is None or want.price > bid)

    levels: list[Level] = []
    choices: tuple[Choice, ...]
    taken: set[str] = set()
    for order in orders:
        label = order.label
        want = wanted.get(label)
        place = places.get(label, 0.0)
        can_go = not order.pending_cancel and label not in uncancelled
        if want is None or label in taken or not fits(order, want, instrument):
            if can_go:
                choices = (Choice(None, costs.unwanted), Choice("cancel", costs.cancel))
                levels.append(Level(order, None, label, choices))
        elif label not in held and can_be_amended(order) and differs(order, want, wanted, rules) and is_free(want):
            given_up = place * costs.shrinking if _only_shrinks(order, want) else place
            amend = Choice("amend", costs.amend + given_up)
            choices = (Choice(None, _wrong(order, want, instrument, rules, costs)), amend)
            if can_go:
                choices += (Choice("cancel", costs.cancel + costs.missing + place),)
            levels.append(Level(order, want, label, choices))
        taken.add(label)
    for label, want in wanted.items():
        if label not in taken and label not in held and is_free(want):
            levels.append(Level(None, want, label, (Choice(None, costs.missing), Choice("create", costs.create))))
    return levels


def _wrong(order: Order, want: Wanted, instrument: Instrument, rules: Rules, costs: Costs) -> float:
    """What it costs to leave an order that is not as wished."""
    if order.price is None:
        return costs.unwanted
    off = order.price - want.price if want.side == "buy" else want.price - order.price
    if abs(off) <= rules.tolerance:
        price = 0.0
    else:
        price = instrument.ticks(abs(off)) * (costs.ahead_per_tick if off > 0 else costs.behind_per_tick)
    missing = abs(float((order.remaining - want.size) / want.size))
    size = costs.size * min(1.0, missing) if missing > float(rules.size_tolerance) else 0.0
    return price + size if price or size else costs.unwanted  # near enough, but in the way


def _only_shrinks(order: Order, want: Wanted) -> bool:
    """An order that only becomes smaller keeps its place on most venues."""
    return order.price == want.price and want.size <= order.remaining


def _fits_budget(levels: Sequence[Level], chosen: Sequence[int], budget: Budget) -> bool:
    used = {"create": 0, "amend": 0, "cancel": 0}
    for level, place in zip(levels, chosen, strict=True):
        request = level.choices[place].request
        if request is not None:
            used[request] += 1
    return used["create"] <= budget.creates and used["amend"] <= budget.amends and used["cancel"] <= budget.cancels


def _least(levels: Sequence[Level], budget: Budget) -> list[int]:
    """The choices, by their place in each level, of the least sum within the budget."""
    chosen = [0] * len(levels)
    new = [at for at, level in enumerate(levels) if level.order is None]
    saving = {at: levels[at].choices[0].cost - levels[at].choices[1].cost for at in new}
    for at in sorted(new, key=lambda at: (-saving[at], at))[: max(0, budget.creates)]:
        chosen[at] = int(saving[at] > 0)
    old = [at for at, level in enumerate(levels) if level.order is not None]
    best: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {(0, 0): (0.0, ())}  # amends and cancels used
    for at in old:
        step: dict[tuple[int, int], tuple[float, tuple[int, ...]]] = {}
        for (amends, cancels), (cost, path) in best.items():
            for place, choice in enumerate(levels[at].choices):
                used = (amends + (choice.request == "amend"), cancels + (choice.request == "cancel"))
                if used[0] > budget.amends or used[1] > budget.cancels:
                    continue
                total = cost + choice.cost
                if used not in step or total < step[used][0]:
                    step[used] = (total, (*path, place))
        best = step
    _, path = min(best.values(), key=lambda found: found[0])
    for at, place in zip(old, path, strict=True):
        chosen[at] = place
    return chosen
