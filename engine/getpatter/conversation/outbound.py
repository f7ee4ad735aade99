"""What a conversation has to find out when it was we who called: who took the call, and what a menu offers."""

from __future__ import annotations

from getpatter.agent import Agent
from getpatter.clock import Clock
from getpatter.conversation.machine_watch import MachineMet, MachineWatch, Tap
from getpatter.conversation.menu_guide import MenuGuide
from getpatter.conversation.persona import CallFacts


class Outbound:
    """One call's; of a call that came in it finds out nothing and costs nothing."""

    def __init__(self, call: CallFacts, agent: Agent, clock: Clock, met: MachineMet) -> None:
        turns = agent.turns
        watched = call.outbound and agent.detects_machines
        self.watch = MachineWatch(clock, agent.language, met, start_s=turns.vad_start_s) if watched else None
        guided = call.outbound and agent.navigates_menus
        self._menus = MenuGuide(agent.language, stop_s=turns.vad_stop_s) if guided else None

    def start(self, tap: Tap) -> None:
        """The line is open."""
        if self.watch is not None:
            self.watch.start(tap)

    def close(self) -> None:
        if self.watch is not None:
            self.watch.close()

    # -- what the carrier says

    def told_human(self) -> None:
        if self.watch is not None:
            self.watch.told_human()

    def told_machine(self, *, greeting_ended: bool) -> None:
        if self.watch is not None:
            self.watch.told_machine(greeting_ended=greeting_ended)

    # -- menus

    def patience(self, text: str) -> float:
        """Seconds to wait beyond the ordinary silence after these words."""
        return self._menus.patience(text) if self._menus is not None else 0.0

    def note(self, text: str) -> str:
        """What the model is to know beside the turn `text`; empty where it holds no menu."""
        return self._menus.note(text) if self._menus is not None and text else ""

    def pressed(self) -> None:
        """Keys were sent."""
        if self._menus is not None:
            self._menus.pressed()
