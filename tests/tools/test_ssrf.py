from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest

from getpatter.errors import ConfigurationError
from getpatter.testing.certificates import self_signed, serving_with
from getpatter.tools.ssrf import AddressGuard, GuardedTransport, checked_url, is_public

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"


class Names:
    """A resolver that gives what it is told, one answer a question, the last one for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if not answer:
            raise OSError("unknown host")
        return answer


class Listener:
    """A server that answers OK and keeps what it was sent."""

    def __init__(self) -> None:
        self.port = 0
        self.heads: list[str] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(OK)
            await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[Listener]:
    listener = Listener()
    server = await asyncio.start_server(listener.answer, "127.0.0.1", 0, ssl=tls)
    listener.port = server.sockets[0].getsockname()[1]
    async with server:
        yield listener


def client(guard: AddressGuard, verify: ssl.SSLContext | None = None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=GuardedTransport(guard, verify=verify), trust_env=False)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.168.1.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
async def test_special_addresses_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(ConfigurationError, match="not on the public internet"):
        await AddressGuard(resolve=Names([address])).addresses(httpx2.URL("https://hooks.test/"))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00::1"])
async def test_public_addresses_are_given(address: str) -> None:
    assert await AddressGuard(resolve=Names([address])).addresses(httpx2.URL("https://hooks.test/")) == [address]


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(ConfigurationError):
        await AddressGuard(resolve=Names(["8.8.8.8", "10.0.0.1"])).addresses(httpx2.URL("https://hooks.test/"))


@pytest.mark.parametrize(
    "host",
    ["0x7f.1", "2130706433", "017700000001", "127.1", "0x7f000001", "127.0.0.1.", "127.0.0.0x1", "1.2.3"],
)
async def test_addresses_in_odd_spellings_are_refused_even_in_development(host: str) -> None:
    with pytest.raises(ConfigurationError):
        checked_url(f"http://{host}/")
    with pytest.raises(ConfigurationError):
        await AddressGuard(allow_private=True).addresses(httpx2.URL(f"http://{host}/"))


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "169.254.169.254", "127。0。0。1"])
async def test_addresses_in_the_url_itself_are_judged(host: str) -> None:
    names = Names(["8.8.8.8"])
    with pytest.raises((ConfigurationError, httpx2.InvalidURL)):
        await AddressGuard(resolve=names).addresses(httpx2.URL(f"http://{host}/"))
    assert names.asked == []


async def test_localhost_is_refused_by_what_the_system_says_it_is() -> None:
    with pytest.raises(ConfigurationError):
        await AddressGuard().addresses(httpx2.URL("http://localhost/"))


@pytest.mark.parametrize("url", ["ftp://a.test/", "//a.test", "http://", "https://u:p@a.test/", "https://u@a.test/"])
def test_urls_that_may_not_be_asked(url: str) -> None:
    with pytest.raises(ConfigurationError):
        checked_url(url)


async def test_a_refused_host_is_never_connected_to() -> None:
    async with listening() as listener, client(AddressGuard(resolve=Names(["127.0.0.1"]))) as http:
        with pytest.raises(ConfigurationError):
            await http.get(f"http://hooks.test:{listener.port}/")
    assert listener.heads == []


async def test_a_name_that_resolves_otherwise_a_moment_later_changes_nothing() -> None:
    names = Names(["127.0.0.1"], ["192.0.2.1"])
    async with listening() as listener, client(AddressGuard(allow_private=True, resolve=names)) as http:
        response = await http.get(f"http://hooks.test:{listener.port}/order")
    assert response.text == "OK"
    assert names.asked == [("hooks.test", listener.port)]
    assert listener.heads[0].startswith("GET /order HTTP/1.1\r\n")
    assert f"Host: hooks.test:{listener.port}\r\n" in listener.heads[0]


async def test_every_request_is_judged_anew() -> None:
    names = Names(["8.8.8.8"], ["127.0.0.1"])
    guard = AddressGuard(resolve=names)
    assert await guard.addresses(httpx2.URL("https://hooks.test/")) == ["8.8.8.8"]
    with pytest.raises(ConfigurationError):
        await guard.addresses(httpx2.URL("https://hooks.test/"))


async def test_an_address_that_takes_no_connection_leads_to_the_next() -> None:
    names = Names(["127.0.0.2", "127.0.0.1"])
    async with listening() as listener, client(AddressGuard(allow_private=True, resolve=names)) as http:
        assert (await http.post(f"http://hooks.test:{listener.port}/", content=b"x")).text == "OK"
    assert len(listener.heads) == 1


async def test_a_name_that_nobody_knows_cannot_be_connected_to() -> None:
    async with client(AddressGuard(resolve=Names([]))) as http:
        with pytest.raises(httpx2.ConnectError, match=r"hooks\.test has no address"):
            await http.get("https://hooks.test/")


async def test_nor_can_a_host_that_is_no_name_at_all() -> None:
    async with client(AddressGuard()) as http:
        with pytest.raises(httpx2.ConnectError, match="has no address"):
            await http.get(f"https://{'a' * 64}.test/")


async def test_certificates_are_held_to_the_name_and_not_to_the_address(tmp_path: Path) -> None:
    certificate = self_signed("hooks.test", tmp_path)
    server, trusting = serving_with(certificate), ssl.create_default_context(cafile=certificate)
    guard = AddressGuard(allow_private=True, resolve=Names(["127.0.0.1"]))
    async with listening(server) as listener, client(guard, trusting) as http:
        assert (await http.get(f"https://hooks.test:{listener.port}/")).text == "OK"
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            await http.get(f"https://other.test:{listener.port}/")
    assert len(listener.heads) == 1
