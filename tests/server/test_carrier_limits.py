"""How often strangers may be refused at the carrier listener before nobody looks at them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from getpatter.server.peers import LOOKS_BYTES, LOOKS_BYTES_PER_S, REFUSALS, REFUSALS_PER_S
from getpatter.server.request_body import MAX_BODY_BYTES
from tests.server.carrier_requests import (
    STRANGER,
    by_another_account,
    from_afar,
    ringing,
    unsigned,
)
from tests.server.conftest import CARRIERS, OpenEdge


async def test_a_peer_that_is_refused_too_often_is_not_looked_at(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        refused = await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS + 2)
        assert [response.status_code for response in refused] == [403] * REFUSALS + [429] * 2
        assert edge.book.notes[-1].kind == "too_many"
        assert edge.book.notes[-1].peer == STRANGER
        assert (await from_afar(replace(ringing(edge), path="/")).to(edge)).status_code == 429
        assert (await from_afar(ringing(edge), "54.172.60.0").to(edge)).status_code == 200
        edge.clock.advance(1 / REFUSALS_PER_S)
        assert (await from_afar(unsigned(edge)).to(edge)).status_code == 403


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_stranger_cannot_have_the_carrier_refused(open_edge: OpenEdge, name: str) -> None:
    """Another customer of the carrier has it call us, from its own addresses and signed for somebody else."""
    async with open_edge(name, trusted_proxies=["127.0.0.1"]) as edge:
        refused = await from_afar(by_another_account(edge)).again_and_again(edge, REFUSALS + 10)
        assert {response.status_code for response in refused} == {403}
        assert edge.book.kinds == ["invalid_signature"] * REFUSALS + ["too_many"] * 10
        assert (await from_afar(unsigned(edge)).to(edge)).status_code == 429
        assert (await from_afar(ringing(edge)).to(edge)).status_code == 200
        assert len(edge.board.rung) == 1
        assert (await from_afar(unsigned(edge)).to(edge)).status_code == 403


async def test_what_is_looked_at_of_exhausted_peers_has_an_end(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS)
        long = from_afar(replace(by_another_account(edge), body=b"a=" + b"x" * (MAX_BODY_BYTES - 2)))
        looks = LOOKS_BYTES // MAX_BODY_BYTES
        statuses = [response.status_code for response in await long.again_and_again(edge, looks)]
        assert statuses == [403] * (looks - 1) + [429]
        assert edge.book.kinds[REFUSALS:] == ["too_many"] * looks
        edge.clock.advance(MAX_BODY_BYTES / LOOKS_BYTES_PER_S)
        assert (await from_afar(ringing(edge)).to(edge)).status_code == 200


async def test_a_carrier_s_address_is_never_limited(open_edge: OpenEdge) -> None:
    async with open_edge("twilio", trusted_proxies=["127.0.0.1"]) as edge:
        await from_afar(ringing(edge)).to(edge)
        refused = await from_afar(unsigned(edge)).again_and_again(edge, REFUSALS + 1)
        assert {response.status_code for response in refused} == {403}
        assert (await from_afar(ringing(edge, "CA" + "2" * 32)).to(edge)).status_code == 200


async def test_who_speaks_is_not_taken_from_a_header_of_anybody(open_edge: OpenEdge) -> None:
    async with open_edge("sim") as edge:
        await from_afar(unsigned(edge)).to(edge)
        assert edge.book.notes[0].peer == "127.0.0.1"
