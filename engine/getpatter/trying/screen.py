"""How a conversation looks in a terminal, or in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape

from getpatter.events import EndOfTurn, Event, FirstToken, SpeechEnded, ToolCalled, Turn
from getpatter.llm.base import LanguageModel, Message
from getpatter.trying.record import describe
from getpatter.trying.text_voice import Spoken

PROMPT = "   you  "
_STYLES = {"agent": "cyan", "caller": "green"}


class Screen:
    """Writes each thing once: a sentence when it is known to be said, or word by word where it is paced."""

    def __init__(self, console: Console, *, interactive: bool, paced: bool) -> None:
        self._out = console
        self._interactive = interactive
        self._paced = paced
        self._shown: list[Spoken] = []
        """Sentences of this utterance that stand there."""
        self._words = 0
        """Of the last one, where it is paced."""
        self._open = False
        """A line is begun."""
        self._asked_at: float | None = None
        self._scripted = True

    def opening(self, llm: LanguageModel, call_id: str) -> None:
        self._scripted = llm.scripted
        self._out.print(f"[dim]{call_id}: {escape(llm.name)}. /help shows the commands.[/]")
        if self._scripted:
            self._out.print("[yellow]The agent's words come from a script, not from a language model.[/]")

    def closing(self) -> None:
        self._end_line()
        self._out.print("Goodbye.")

    def prompt(self) -> None:
        if self._interactive:
            self._end_line()
            self._out.print(f"[green]{PROMPT}[/]", end="")

    def caller(self, text: str) -> None:
        """What the caller says; a person sees what they typed."""
        if not self._interactive:
            self._line("caller", text)

    def note(self, text: str) -> None:
        self._end_line()
        self._out.print(f"[dim]  note  {escape(text)}[/]")

    def text(self, text: str) -> None:
        self._end_line()
        self._out.print(escape(text))

    def history(self, messages: Sequence[Message]) -> None:
        self._end_line()
        for message in messages:
            calls = " ".join(f"{call.name}({call.arguments})" for call in message.tool_calls)
            self._out.print(f"[bold]{message.role:>9}[/]  {escape(' '.join(filter(None, [message.content, calls])))}")

    # -- the agent

    def sounds(self, spoken: Spoken) -> None:
        """A sentence is further on."""
        if not self._paced:
            return
        if not any(spoken is other for other in self._shown):
            self._shown.append(spoken)
            self._words = 0
        if not self._open:
            self._out.print("[cyan] agent[/] ", end="")
            self._open = True
        for word in spoken.words[self._words : spoken.sounded_words]:
            self._out.print(f" {escape(word)}", end="")
        self._words = max(self._words, spoken.sounded_words)

    def show(self, sentences: Iterable[Spoken]) -> None:
        """Sentences that are being said, where they do not come word by word."""
        if self._paced:
            return
        new = [spoken for spoken in sentences if not any(spoken is other for other in self._shown)]
        self._shown += new
        if new:
            self._line("agent", " ".join(" ".join(spoken.words) for spoken in new))

    def event(self, event: Event) -> None:
        match event:
            case EndOfTurn(at=at):
                self._asked_at = at
            case FirstToken(at=at):
                self._first_token(at)
            case SpeechEnded(role="agent"):
                self._end_line()
                self._shown.clear()
            case Turn(role="agent", interrupted=True, text=heard, unheard=unheard):
                self.note(f"interrupted; heard: {heard}  unheard: {unheard}")
            case Turn():
                pass
            case ToolCalled(duration_ms=duration_ms):
                self._end_line()
                self._out.print(f"[magenta]{escape(describe(event))}[/] [dim]({duration_ms:.0f} ms)[/]")
            case _ if description := describe(event):
                self._end_line()
                self._out.print(f"[dim]{escape(description)}[/]")

    def _first_token(self, at: float) -> None:
        if self._asked_at is not None and not self._scripted:
            self.note(f"first token after {(at - self._asked_at) * 1000:.0f} ms")
        self._asked_at = None

    def _line(self, role: str, text: str) -> None:
        self._end_line()
        self._out.print(f"[{_STYLES[role]}]{role:>6}[/]  {escape(text)}")

    def _end_line(self) -> None:
        if self._open:
            self._out.print()
            self._open = False
