from __future__ import annotations

from datetime import date

import pytest

from getpatter.metering import Product
from getpatter.models.retirement import Fate, Retirement, RetirementTable, fate

TODAY = date(2026, 11, 21)
END = date(2027, 1, 14)


def retirement(on: date | None = END, successor: str = "") -> Retirement:
    return Retirement(on=on, successor=successor, as_of="2026-11-21", source="https://acme.example")


TABLE: RetirementTable = {
    "acme": {
        "m": retirement(successor="n"),
        "m-2024-05-13": retirement(date(2026, 1, 1)),
        "m-mini": retirement(None),
        "first": retirement(successor="second"),
        "second": retirement(successor="m-mini"),
        "round": retirement(successor="about"),
        "about": retirement(successor="round"),
    }
}


def known(model: str, today: date = TODAY, vendor: str = "acme") -> Fate | None:
    return fate(Product(vendor, model), today, TABLE)


def test_what_ends_is_told_with_its_day_and_its_successor() -> None:
    found = known("m")
    assert found == Fate("m", "retiring", END, "n")
    assert (found.told, found.advice) == ("m is retired on 2027-01-14", "use n")
    assert found.ends


def test_from_its_day_on_it_is_retired() -> None:
    found = known("m", END)
    assert found is not None
    assert (found.standing, found.told) == ("retired", "m was retired on 2027-01-14")


def test_a_snapshot_shares_its_models_fate_unless_it_has_its_own() -> None:
    assert known("m-2024-08-06") == Fate("m-2024-08-06", "retiring", END, "n")
    assert known("m-2024-05-13") == Fate("m-2024-05-13", "retired", date(2026, 1, 1))


def test_what_has_no_day_is_alive() -> None:
    found = known("m-mini")
    assert found == Fate("m-mini", "alive")
    assert not found.ends
    assert found.told == "m-mini has no day of retirement"


@pytest.mark.parametrize(("vendor", "model"), [("acme", "m-2"), ("acme", ""), ("other", "m"), ("", "")])
def test_of_what_is_not_listed_nothing_is_known(vendor: str, model: str) -> None:
    assert known(model, vendor=vendor) is None


def test_a_successor_that_ends_gives_way_to_its_own() -> None:
    found = known("first")
    assert found is not None
    assert found.successor == "m-mini"


def test_successors_that_name_one_another_are_none() -> None:
    found = known("round")
    assert found is not None
    assert (found.successor, found.advice) == ("", "use another model")
