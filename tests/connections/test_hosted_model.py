from __future__ import annotations

from getpatter.connections.hosted_model import HostedModel


class Acme(HostedModel):
    def __init__(self) -> None:
        self._model, self._url, self._key = "m-1", "wss://api.acme.example:8443/v1", "sk-1"


def test_people_are_shown_the_model_and_where_it_is_and_nothing_else() -> None:
    assert Acme().name == "m-1 at api.acme.example:8443"
    assert repr(Acme()) == "<Acme m-1 at api.acme.example:8443>"


async def test_where_calls_share_nothing_there_is_nothing_to_let_go_of() -> None:
    await Acme().close()
    await Acme().close()
