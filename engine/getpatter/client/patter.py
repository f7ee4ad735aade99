"""`Patter`: telephone calls from a Python program."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, Unpack, overload

from getpatter.agent import Agent
from getpatter.calls.desk import OutboundCall, Ringing
from getpatter.carriers.account import Account
from getpatter.client.host import PORT, Host
from getpatter.client.number import Number
from getpatter.client.run import Run
from getpatter.clock import SystemClock
from getpatter.errors import ConfigurationError
from getpatter.observability.bus import EventBus
from getpatter.observability.conversation_state import ConversationState
from getpatter.pricing.figures import BUILT_IN
from getpatter.pricing.overrides import with_overrides
from getpatter.sdk.agent_options import AgentOptions, agent_from
from getpatter.sdk.announcement import Announcement
from getpatter.sdk.call_control import CallControl
from getpatter.sdk.call_feed import CallFeed
from getpatter.sdk.call_result import CallResult
from getpatter.sdk.callbacks import CallbackOptions, Callbacks
from getpatter.sdk.default_llm import with_model
from getpatter.sdk.no_telephone import NoTelephone
from getpatter.sdk.signals import ended_by_signals
from getpatter.sdk.speech_events import SpeechEvents
from getpatter.tunnels import Tunnel

log = logging.getLogger(__name__)

_REMOVED = ("api_key", "backend_url", "rest_url")
"""Of a hosted service, which there is not."""


class Patter(SpeechEvents):
    """A telephone number, and the agents that speak on it.

        phone = Patter(carrier=Twilio(), phone_number="+12025550199", tunnel=True)
        agent = phone.agent(system_prompt="You are a friendly receptionist.", first_message="Hello!")
        await phone.serve(agent)

    `carrier` is a `Twilio`, `Telnyx` or `Plivo` account; without one everything happens on the simulated network, whose
    parties `getpatter sim list` shows.  A carrier reaches us by `webhook_url` (a host or an https URL) or by `tunnel`:
    True or `CloudflareTunnel()`, `Ngrok()`, `Static(host)`.

    Calls are recorded in a store: in the folder `persist`; in `PATTER_HOME` where that is True or None; for False in
    one that is gone afterwards.  One program at a time can use a folder.  Other settings are those of the engine.

    Numbers that the program dials need not be in `PATTER_ALLOW`: it is the program of whoever owns the account.
    Emergency numbers are refused all the same.

    `pricing` is what providers and carriers charge you, where it is not what the built-in list says, in the form of
    `pricing.overrides.with_overrides`.  `telemetry` may be said and means nothing: there is none.

    Its callbacks for moments of speech are those of `SpeechEvents`.  Raises `ConfigurationError`.
    """

    def __init__(
        self,
        carrier: Account | None = None,
        phone_number: str = "",
        webhook_url: str = "",
        tunnel: Tunnel | bool | None = None,
        pricing: Mapping[str, Any] | None = None,
        persist: bool | str | Path | None = None,
        telemetry: bool | None = None,
        *,
        mode: Literal["local"] = "local",
        **removed: object,
    ) -> None:
        _refuse(removed, mode)
        self._number = Number.of(carrier, phone_number, webhook_url, tunnel)
        self.pricing = pricing
        self._prices = with_overrides(BUILT_IN, pricing) if pricing else BUILT_IN
        self.events = EventBus()
        """Where all that happens in calls is told: `on` by name, and `subscribe`."""
        self._host = Host(
            self._number,
            lambda number: Run(self, self.events, number, persist),
            {"pricing": dict(pricing)} if pricing else {},
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} on {self.carrier.kind if self.carrier else 'the simulated network'}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    # -- what it is

    @property
    def carrier(self) -> Account | None:
        return self._number.account

    @property
    def phone_number(self) -> str:
        """E.164."""
        return self._number.phone_number

    @property
    def webhook_url(self) -> str:
        return self._number.webhook_url

    @property
    def tunnel(self) -> Tunnel | None:
        return self._number.tunnel

    # -- what happens

    @property
    def ready(self) -> Announcement[str]:
        """Await it to have the URL of the carrier listener, once calls can come and go."""
        return self._host.ready

    @property
    def tunnel_ready(self) -> Announcement[str]:
        """Await it to have the URL by which the carrier reaches us."""
        return self._host.tunnel_ready

    @property
    def speech_events(self) -> SpeechEvents:
        """Where the callbacks for moments of speech can be set, as on this object itself."""
        return self

    @property
    def conversation_state(self) -> dict[str, str]:
        """What both sides of a call are doing: the one that has begun last, of those that go on."""
        return self.state_of("")

    def state_of(self, call_id: str) -> dict[str, str]:
        """What both sides of this call are doing: `user` and `agent`, as in `observability.conversation_state`."""
        run = self._host.run
        feeds = run.feeds if run is not None else None
        feed = feeds and (feeds.live(call_id) if call_id else feeds.latest)
        state, now = feed.state if feed else ConversationState(), SystemClock().wall()
        return {"user": state.user_state(now), "agent": state.agent_state(now)}

    # -- what to do

    def agent(self, **options: Unpack[AgentOptions]) -> Agent:
        """Who speaks for us; `sdk.agent_options.AgentOptions` has the keywords.

        Raises `TypeError` and `ConfigurationError`, the latter also for features that there are not.
        """
        return agent_from(options)

    async def serve(
        self,
        agent: Agent,
        port: int = PORT,
        *,
        recording: bool = False,
        local_recording: bool | str | Path = False,
        voicemail_message: str = "",
        dashboard: bool = True,
        dashboard_token: str = "",
        allow_insecure_dashboard: bool = False,
        tunnel: Tunnel | bool = False,
        manage_webhook: bool = True,
        **callbacks: Unpack[CallbackOptions],
    ) -> None:
        """Answer calls with this agent, and be ready for `call`, until `stop`, SIGINT or SIGTERM.  Then live calls may
        go on for a while (`PATTER_DRAIN_S`) before a goodbye is said for them; a second signal ends the program.

        `port`
            of the carrier listener, on `PATTER_CARRIER_HOST`; 0 takes a free one.
        `recording`, `local_recording`
            by the carrier, for which it charges and which the simulated one cannot; and by us: into this folder, or
            into `recordings` of the home for True.
        `voicemail_message`
            left on answering machines that our calls reach, where a call has none of its own.
        `dashboard`, `dashboard_token`, `allow_insecure_dashboard`
            mean nothing: this version has no dashboard.
        `manage_webhook`
            Point the number at us, now and when the tunnel moves; else it must lead here already.

        The callbacks are those of `sdk.callbacks.Callbacks`.  Raises `ConfigurationError`, `CarrierError`.
        """
        told = Callbacks().changed(callbacks)
        told.check(agent)
        agent = replace(agent, voicemail_message=voicemail_message or agent.voicemail_message)
        number = self._number.reached_through(tunnel)
        self._warn_of_no_effect(recording=recording, dashboard_token=dashboard_token)
        given = {
            "carrier_port": port,
            "carrier_recording": recording,
            "record": bool(local_recording),
            "recordings_dir": "" if isinstance(local_recording, bool) else str(local_recording),
            "manage_webhook": manage_webhook,
        }
        run = await self._host.serve(agent, told, number, given)
        try:
            with ended_by_signals(run.stopping):
                await run.stopping.wait()
        finally:
            await self.stop()

    @overload
    async def call(
        self,
        to: str,
        agent: Agent | None = ...,
        first_message: str = ...,
        from_number: str = ...,
        *,
        machine_detection: bool = ...,
        voicemail_message: str = ...,
        ring_timeout: float = ...,
        wait: Literal[True],
        **callbacks: Unpack[CallbackOptions],
    ) -> CallResult: ...
    @overload
    async def call(
        self,
        to: str,
        agent: Agent | None = ...,
        first_message: str = ...,
        from_number: str = ...,
        *,
        machine_detection: bool = ...,
        voicemail_message: str = ...,
        ring_timeout: float = ...,
        wait: Literal[False] = ...,
        **callbacks: Unpack[CallbackOptions],
    ) -> CallControl: ...
    async def call(
        self,
        to: str,
        agent: Agent | None = None,
        first_message: str = "",
        from_number: str = "",
        *,
        machine_detection: bool = True,
        voicemail_message: str = "",
        ring_timeout: float = 25.0,
        wait: bool = False,
        **callbacks: Unpack[CallbackOptions],
    ) -> CallResult | CallControl:
        """Dial `to` (E.164); gives the call at once, or with `wait` what became of it, whatever that is.

        Agent and callbacks are those of `serve` where none are given, and so is an empty message the agent's own.
        Where nothing is running yet, it is started, and runs until `stop`.  `ring_timeout` is in seconds.

        Raises `InvalidRequest` and `PolicyDenied` for numbers that are not called, `AtCapacity`, `ConfigurationError`.
        """
        reception = self._host.reception
        told = reception.callbacks.changed(callbacks)
        agent = agent or reception.agent
        if agent is None:
            raise ConfigurationError("There is no agent for the call.", next_step="Pass agent=phone.agent(...).")
        told.check(agent)
        agent = replace(
            agent,
            first_message=first_message or agent.first_message,
            voicemail_message=voicemail_message or agent.voicemail_message,
        )
        run = await self._host.running(agent)
        wanted = OutboundCall(
            to_number=to,
            agent=agent,
            from_number=from_number,
            ring_timeout_s=ring_timeout,
            machine_detection=machine_detection,
        )
        feed = await run.place(wanted, told)
        return await feed.result() if wait else feed.control

    async def end_call(self, call_id: str) -> None:
        """Hang up; nothing happens when the call is over.  Raises `CallNotFound`."""
        if self._host.run is not None:
            await self._host.run.switchboard.hang_up(call_id, reason="the program hung up")

    async def test(self, agent: Agent, **callbacks: Unpack[CallbackOptions]) -> None:
        """Talk to the agent in this terminal: typed lines are what the caller says, /help shows the commands.

        Turn-taking, tools, guardrails and the language model are those of a call.
        """
        # Takes long to import, and no telephone call needs it.
        from getpatter.trying import terminal
        from getpatter.trying.trial_call import CALLEE, CALLER, new_call_id

        told = Callbacks().changed(callbacks)
        told.check(agent)
        feed = CallFeed(told, self, NoTelephone(), SystemClock(), self._prices)
        ringing = Ringing(call_id=new_call_id(), carrier_call_id="", from_number=CALLER, to_number=CALLEE)
        tried = agent if told.on_message is not None else with_model(agent)
        tried = await feed.ring(ringing, feed.agent_for(tried), "none")
        await terminal.run(tried, call_id=ringing.call_id, on_event=feed.apply)
        await feed.told()

    async def stop(self) -> None:
        """Take no more calls, let those that go on end, say goodbye for the rest, and let go of everything.

        Returns when all callbacks have been called.  Nothing happens where nothing runs.
        """
        await self._host.stop()
        await self.events.drained()

    async def disconnect(self) -> None:
        """The same as `stop`."""
        await self.stop()

    def _warn_of_no_effect(self, *, recording: bool, dashboard_token: str) -> None:
        if recording and self.carrier is None:
            log.warning("recording=True does nothing on the simulated network: local_recording=True records there")
        if dashboard_token:
            log.warning("dashboard_token protects nothing: this version has no dashboard")


def _refuse(removed: Mapping[str, object], mode: str) -> None:
    if hosted := [name for name in removed if name in _REMOVED]:
        raise NotImplementedError(
            f"{hosted[0]} is for a hosted service, which there is not: calls run in this process."
        )
    if removed:
        raise TypeError(f"Patter() has no keyword {', '.join(map(repr, removed))}")
    if mode != "local":
        raise ConfigurationError(f"There is no mode {mode!r}.", next_step="Leave it out.")
