"""The fields of a webhook that is a form, or has them in its query."""

from __future__ import annotations

from urllib.parse import parse_qsl

from getpatter.carriers.base import WebhookRequest
from getpatter.errors import CarrierError

MAX_FIELDS = 1000
"""The longest webhooks have some forty."""

Fields = list[tuple[str, str]]


def fields(request: WebhookRequest) -> Fields:
    """Those of the body, or of the query where the method is GET.  Raises `CarrierError` for what is no form."""
    if request.method == "GET":
        return _parsed(request.url.partition("#")[0].partition("?")[2])
    return posted(request)


def posted(request: WebhookRequest) -> Fields:
    """Those of the body.  Raises `CarrierError` for what is no form."""
    try:
        return _parsed(request.body.decode())
    except UnicodeDecodeError:
        raise CarrierError("The webhook's body is no form: its text is not UTF-8.") from None


def _parsed(text: str) -> Fields:
    try:
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise CarrierError(
            f"The webhook is no form: it has more than {MAX_FIELDS} fields, or characters that are not UTF-8."
        ) from None
