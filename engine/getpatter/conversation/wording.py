"""From a sentence as the model wrote it to what the voice is given: guardrails, hooks and text transforms in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from getpatter.extension import contained
from getpatter.guardrails import Guardrails
from getpatter.hooks import HookRunner
from getpatter.language.transform import for_speech


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is what the caller hears, for the record; `spoken` is the same spelled for the voice."""

    text: str
    spoken: str


class Wording:
    """One call's.  A sentence passes its guardrails, `on_sentence`, the transforms, then `before_synthesize`."""

    def __init__(
        self,
        guardrails: Guardrails,
        hooks: HookRunner,
        transforms: Sequence[Callable[[str], str]],
        on_failure: Callable[[str, Exception], None],
    ) -> None:
        """`on_failure(what, error)` is told once of a transform that fails; it is left out where it does."""
        self._guardrails = guardrails
        self._hooks = hooks
        self._transforms = tuple(transforms)
        self._on_failure = on_failure
        self._failed: set[int] = set()
        self._blocked_by: str | None = None
        self._ahead: dict[str, Sentence | None] = {}

    async def prepare_ahead(self, text: str) -> str | None:
        """What the voice will be given for `text` the next time that it is said; None for nothing."""
        sentence = self._ahead[text] = await self.prepare(text)
        return sentence.spoken if sentence is not None else None

    async def prepare(self, text: str) -> Sentence | None:
        """What is to be said for `text`; None for nothing."""
        if self._ahead and text in self._ahead:
            return self._ahead.pop(text)
        allowed = await self.review(text)
        if not allowed:
            return None
        spoken: str | None = self._transformed(for_speech(allowed))
        if spoken and self._hooks.hooks.before_synthesize:
            spoken = await self._hooks.before_synthesize(spoken)
        return Sentence(allowed, spoken) if spoken else None

    @property
    def objects(self) -> bool:
        """Something may object to a sentence, so it must be asked before the sentence is heard."""
        return bool(self._guardrails) or self._hooks.after_llm.on_sentence is not None

    async def review(self, text: str) -> str | None:
        """What is to be said for a sentence that an engine speaks by itself: the same text when it may be heard."""
        reviewed = await self._reviewed(text)
        return await self._hooks.on_sentence(reviewed) if reviewed and self._hooks.after_llm.on_sentence else reviewed

    def _transformed(self, spoken: str) -> str:
        for index, transform in enumerate(self._transforms):
            try:
                with contained():
                    changed = transform(spoken)
                if not isinstance(changed, str):
                    raise TypeError(f"returned {type(changed).__name__}")
                spoken = changed
            except Exception as error:  # noqa: BLE001 -- the user's code: whatever it raises, the call goes on
                if index not in self._failed:
                    self._failed.add(index)
                    self._on_failure(f"text_transforms[{index}]", error)
        return spoken

    async def _reviewed(self, text: str) -> str | None:
        """What the guardrails make of it; they judge the words as they are heard, since markup can hide one."""
        if not self._guardrails:
            return text
        verdict = await self._guardrails.review(for_speech(text))
        before, self._blocked_by = self._blocked_by, verdict.blocked_by
        if verdict.blocked_by is None:
            return text
        # One apology does for several sentences in a row.
        return None if verdict.blocked_by == before else verdict.text
