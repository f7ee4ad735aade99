"""What every language model that is reached over HTTP has to do."""

from __future__ import annotations

from getpatter.testing.contracts.llm_answers import LlmAnswers
from getpatter.testing.contracts.llm_connections import LlmConnections
from getpatter.testing.contracts.llm_failures import LlmFailures
from getpatter.testing.contracts.llm_secrets import LlmSecrets


class LlmContract(LlmAnswers, LlmConnections, LlmFailures, LlmSecrets):
    """Inherit it in a class whose name begins with `Test`, and say what is tested: see `ModelStand`."""
