"""Any OpenAI-compatible server, told of the call by flat arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Unpack

from pydantic import SecretStr

from getpatter.llm.base import CallContext
from getpatter.llm.openai_compatible import OpenAICompatibleLLM
from getpatter.llm.options import Options
from getpatter.llm.session import SessionRule

TIMEOUT_S = 60.0


class CustomLLM(OpenAICompatibleLLM):
    """`OpenAICompatibleLLM` with the parts of `SessionRule` as arguments, and more time for the first word."""

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: SecretStr | str = "",
        *,
        session_user_prefix: str = "",
        session_id_header: str = "",
        session_id_prefix: str = "",
        session_key_header: str = "",
        session_key: str = "",
        session_key_factory: Callable[[CallContext], str] | None = None,
        session_key_from: Literal["", "caller_hash"] = "",
        **options: Unpack[Options],
    ) -> None:
        session = SessionRule(
            user_prefix=session_user_prefix,
            id_header=session_id_header,
            id_prefix=session_id_prefix,
            key_header=session_key_header,
            key=session_key,
            key_factory=session_key_factory,
            key_from=session_key_from,
        )
        options.setdefault("timeout_s", TIMEOUT_S)
        super().__init__(base_url, model, api_key, session=session, **options)
