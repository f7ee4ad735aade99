"""What was said in a call, as the language model is told."""

from __future__ import annotations

from dataclasses import dataclass, replace

from getpatter.llm.base import Message, ToolCall

CUT_OFF = "—"
"""Ends an assistant message that was interrupted.  Novels and scripts mark it the same way, so models understand it."""
STILL_RUNNING = "There is no result yet."
"""Stands for the result of a tool that is at work: model APIs refuse a call without one."""


@dataclass(slots=True)
class UserEntry:
    """One turn of the caller; without text it is no message."""

    text: str
    note: str = ""
    """What the model is told beside it, in brackets."""
    settled: bool = True
    """False as long as the hook after the transcript has not seen it: it is no message until then."""


@dataclass(slots=True)
class ReplyEntry:
    """One reply of ours.  It has its place in the history from its beginning, and only the words that were heard."""

    text: str = ""
    interrupted: bool = False

    def heard(self, text: str, interrupted: bool = False) -> None:
        """Set what was heard of the reply so far, and whether it was cut off there."""
        self.text = text.strip()
        self.interrupted = interrupted


@dataclass(slots=True)
class _ToolUse:
    call: ToolCall
    result: str | None = None


class History:
    """The messages of one call: system prompt, the caller's turns, what was heard of ours, and tools used.

    Words that came over the telephone are only ever in messages of role `user` (or in tool results), never in the
    system prompt.
    """

    def __init__(self, system_prompt: str = "") -> None:
        self.system_prompt = system_prompt
        """May change in mid-call, when another agent takes over."""
        self._entries: list[UserEntry | ReplyEntry | _ToolUse] = []
        self._uses: dict[str, _ToolUse] = {}
        """By the ids that their calls have here."""

    def add_user(self, text: str) -> UserEntry:
        """The caller said something; silence is not recorded."""
        entry = UserEntry(text.strip())
        self._entries.append(entry)
        return entry

    def add_late(self, text: str) -> UserEntry:
        """The caller said this in the turn that is being answered, or was last, and it was understood only now."""
        said = next((entry for entry in reversed(self._entries) if isinstance(entry, UserEntry)), None)
        if said is None or said.text:
            return self.add_user(text)
        said.text = text.strip()
        return said

    def annotate(self, note: str) -> None:
        """Have the model told this beside what the caller said last.

        Notes hold words of the caller and so stand in their message, never in the system prompt; and they stay there,
        because a prefix of messages that does not change is what model servers keep in their caches.
        """
        said = next((entry for entry in reversed(self._entries) if isinstance(entry, UserEntry)), None)
        if said is not None:
            said.note = note

    def begin_reply(self) -> ReplyEntry:
        """Keep a place for a reply of ours; it is no message until some of it was heard."""
        reply = ReplyEntry()
        self._entries.append(reply)
        return reply

    def add_tool_call(self, call: ToolCall) -> ToolCall:
        """The call under the id by which it is known from here on.

        Some servers number the calls of each reply from zero; an id that was there before gets a number behind it, so
        that each result finds its own call, whenever it comes.
        """
        call_id, number = call.id, 1
        while call_id in self._uses:
            number += 1
            call_id = f"{call.id}_{number}"
        use = self._uses[call_id] = _ToolUse(replace(call, id=call_id))
        self._entries.append(use)
        return use.call

    def add_tool_result(self, call_id: str, content: str) -> None:
        """Answer a call by the id that `add_tool_call` gave it; raises `ValueError` unless it waits for a result."""
        use = self._uses.get(call_id)
        if use is None or use.result is not None:
            raise ValueError(f"no tool call {call_id!r} waits for a result")
        use.result = content

    def messages(self, pending: str = "") -> list[Message]:
        """The conversation so far, in the order that model APIs ask for; `pending` is what the caller may be saying.

        Turns of one side that follow each other are one message.  A tool call belongs to the reply before it, and its
        result comes right after, whatever was said while the tool ran.
        """
        messages = [Message("system", self.system_prompt)] if self.system_prompt else []
        entries, at = self._entries, 0
        while at < len(entries):
            entry = entries[at]
            at += 1
            if isinstance(entry, UserEntry):
                if entry.text and entry.settled:
                    _append(messages, Message("user", f"{entry.text} [{entry.note}]" if entry.note else entry.text))
            elif isinstance(entry, ReplyEntry) and (content := _content(entry)):
                _append(messages, Message("assistant", content))
            elif isinstance(entry, _ToolUse):
                uses = [entry]
                while at < len(entries) and isinstance(following := entries[at], _ToolUse):
                    uses.append(following)
                    at += 1
                _append_tools(messages, uses)
        if pending := pending.strip():
            _append(messages, Message("user", pending))
        return messages


def _content(reply: ReplyEntry) -> str:
    return reply.text + CUT_OFF if reply.text and reply.interrupted else reply.text


def _append(messages: list[Message], message: Message) -> None:
    last = messages[-1] if messages else None
    if last is not None and last.role == message.role:
        messages[-1] = replace(last, content=f"{last.content} {message.content}")
    else:
        messages.append(message)


def _append_tools(messages: list[Message], uses: list[_ToolUse]) -> None:
    calls = tuple(use.call for use in uses)
    if messages and messages[-1].role == "assistant":
        messages[-1] = replace(messages[-1], tool_calls=calls)
    else:
        messages.append(Message("assistant", "", tool_calls=calls))
    messages.extend(
        Message("tool", STILL_RUNNING if use.result is None else use.result, tool_call_id=use.call.id) for use in uses
    )
