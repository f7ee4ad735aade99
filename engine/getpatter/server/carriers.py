"""Which telephone company the settings name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from getpatter.calls.policy import normalize
from getpatter.carriers.account import Account
from getpatter.carriers.accounts import ACCOUNTS
from getpatter.carriers.base import Carrier
from getpatter.conversation.listening import Listening
from getpatter.errors import ConfigurationError, PatterError
from getpatter.public_url import public_url
from getpatter.settings import Settings
from getpatter.testing.carrier import SimCarrier
from getpatter.tts.base import TextToSpeech

SIMULATED = "sim"


@dataclass(frozen=True, slots=True)
class Telephone:
    """A carrier, and what must be known about it beside its contract."""

    carrier: Carrier
    simulated: bool
    """It reaches nobody real, so any number may be dialled."""
    how_to_try: str


def telephone(
    settings: Settings,
    listening: Listening,
    voice: Callable[[], TextToSpeech],
    *,
    account: Account | None = None,
    tunnelled: bool = False,
) -> Telephone:
    """The telephone of the settings, or that of `account` where there is one.

    `voice` makes what speaks for a user's own simulated parties; real ones need none.  `tunnelled` says that there is
    a tunnel of which the settings know nothing.  Raises `ConfigurationError` where something is missing that a real
    carrier needs.
    """
    if account is None and settings.carrier == SIMULATED:
        return Telephone(
            SimCarrier.at_home(settings.home, tts=voice(), listening=listening),
            simulated=True,
            how_to_try="Run `getpatter sim call` on this machine: a simulated caller rings the agent.",
        )
    account = account or account_of(settings)
    check_number(settings)
    if not tunnelled:
        check_reachable(settings)
    carrier = account.open()
    return Telephone(
        carrier,
        simulated=carrier.capabilities.simulated,
        how_to_try=f"Ring {settings.phone_number} from any telephone. If nobody answers, `getpatter doctor` says why.",
    )


def account_of(settings: Settings) -> Account:
    """The account with the carrier that the settings name, as the environment describes it.

    Raises `ConfigurationError`.
    """
    make = ACCOUNTS.get(settings.carrier)
    if make is None:
        raise ConfigurationError(
            f"There is no carrier {settings.carrier!r}.",
            next_step=f"Set PATTER_CARRIER to one of {', '.join(ACCOUNTS)}, or to {SIMULATED}, the simulated "
            "telephone network.",
        )
    return make()


def check_number(settings: Settings) -> None:
    """Raises `ConfigurationError` unless the settings have a number that can be a real carrier's."""
    if "phone_number" not in settings.model_fields_set or not settings.phone_number:
        raise ConfigurationError(
            f"{settings.carrier} needs to know your telephone number.",
            next_step="Set PATTER_PHONE_NUMBER to a number of your account in E.164 form, e.g. +12025550123.",
        )
    try:
        number = normalize(settings.phone_number)
    except PatterError as error:
        raise ConfigurationError(f"PATTER_PHONE_NUMBER cannot be used. {error}", next_step=error.next_step) from None
    if number != settings.phone_number:
        raise ConfigurationError(
            f"PATTER_PHONE_NUMBER is {settings.phone_number!r}, which is not E.164.", next_step=f"Write it {number}"
        )


def check_reachable(settings: Settings) -> None:
    """Raises `ConfigurationError` unless there is one way in for a real carrier, by a public URL or a tunnel."""
    if settings.tunnel == "cloudflare" and settings.public_url:
        raise ConfigurationError(
            "PATTER_TUNNEL=cloudflare opens a tunnel under a name that Cloudflare chooses, and PATTER_PUBLIC_URL names "
            "another one.",
            next_step="Unset PATTER_PUBLIC_URL; or, where it is the name of a tunnel that runs already, PATTER_TUNNEL.",
        )
    if settings.tunnel:
        return
    if not settings.public_url:
        raise ConfigurationError(
            f"{settings.carrier} cannot reach this engine: there is no public URL.",
            next_step="Set PATTER_TUNNEL=cloudflare to try it from this machine (needs the program cloudflared), or "
            "PATTER_PUBLIC_URL to an https URL that leads to the carrier listener, "
            f"{settings.carrier_host} port {settings.carrier_port}.",
        )
    public_url(settings.public_url)
