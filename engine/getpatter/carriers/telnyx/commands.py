"""The bodies of Call Control's commands: https://developers.telnyx.com/api-reference/call-commands/dial

Pure; `command_id` is the API's part.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final, Literal

from getpatter.carriers.base import ConsultRequest, DialRequest, StreamTarget
from getpatter.carriers.invitation import KEY_WAIT_S, TIMES, Invitation
from getpatter.carriers.telnyx import legs
from getpatter.carriers.telnyx.voices import voice_for
from getpatter.errors import CarrierError

Body = dict[str, Any]

MAX_SPOKEN_CHARACTERS: Final = 3000
RING_S: Final = (5, 600)
"""The bounds of `timeout_secs`."""
DURATION_S: Final = (30, 14_400)
"""The bounds of `time_limit_secs`."""
GREETING_MS: Final = 30_000
"""How long the end of a machine's greeting is waited for; Telnyx's own 5 s are shorter than many greetings."""
KEY_MS: Final = 250
MAX_KEYS: Final = 100

_KEYS = re.compile(r"[0-9A-D*#w]+")


def dial(request: DialRequest, connection_id: str, machine_detection: str) -> Body:
    """The stream opens when the call is answered, without another command."""
    body = {
        "connection_id": connection_id,
        "to": request.to_number,
        "from": request.from_number,
        "timeout_secs": _within(RING_S, request.ring_timeout_s),
        "time_limit_secs": _within(DURATION_S, request.max_duration_s),
        **_stream(request.stream),
        **_webhooks(request.webhooks_url),
        "client_state": legs.placed(request.call_id, request.stream.parameters),
    }
    if request.machine_detection:
        body["answering_machine_detection"] = machine_detection
        body["answering_machine_detection_config"] = {"greeting_total_analysis_time_millis": GREETING_MS}
    return body


def answer(stream: StreamTarget, webhooks_url: str) -> Body:
    return {**_stream(stream), **_webhooks(webhooks_url), "client_state": legs.answered(stream.parameters)}


def reject(reason: Literal["busy", "rejected"]) -> Body:
    return {"cause": "USER_BUSY" if reason == "busy" else "CALL_REJECTED"}


def transfer(carrier_call_id: str, number: str, from_number: str, timeout_s: float) -> Body:
    return {
        "to": number,
        "from": from_number,
        "timeout_secs": _within(RING_S, timeout_s),
        "target_leg_client_state": legs.transferred(carrier_call_id),
    }


def consult(request: ConsultRequest, connection_id: str, key: str) -> Body:
    """A call without a stream; `key` comes back when it is answered."""
    return {
        "connection_id": connection_id,
        "to": request.to_number,
        "from": request.from_number,
        "timeout_secs": _within(RING_S, request.ring_timeout_s),
        "time_limit_secs": _within(DURATION_S, request.max_duration_s),
        "client_state": legs.colleague(key),
        **_webhooks(request.webhooks_url),
    }


def bridge(colleague_call_id: str) -> Body:
    return {"call_control_id": colleague_call_id}


def speak(text: str, language: str, state: str) -> Body:
    """Longer text than Telnyx takes ends with the last word that fits."""
    return {"payload": _shortened(text), "voice": voice_for(language), "client_state": state}


def invite(invitation: Invitation, state: str) -> Body:
    """Ask for a key, whichever; the event that tells which is told also where none was pressed."""
    return {
        **speak(invitation.words, invitation.language, state),
        "minimum_digits": 1,
        "maximum_digits": 1,
        "maximum_tries": TIMES,
        "timeout_millis": KEY_WAIT_S * 1000,
    }


def send_dtmf(digits: str) -> Body:
    """Raises `CarrierError` for what is no key, or too many."""
    if len(digits) > MAX_KEYS or not _KEYS.fullmatch(digits):
        raise CarrierError(
            f"Telnyx presses 1 to {MAX_KEYS} keys at once, out of 0 to 9, *, #, A to D, and w for a pause.",
        )
    return {"digits": digits, "duration_millis": KEY_MS}


def start_recording(carrier_call_id: str) -> Body:
    return {"format": "wav", "channels": "dual", "client_state": legs.recorded(carrier_call_id)}


def webhook_url(webhooks_url: str) -> str:
    return f"{webhooks_url}/voice"


def _stream(stream: StreamTarget) -> Body:
    """PCMU both ways, for the far end's codec would else follow its network; `rtp`, for the default plays MP3 files;
    `self`, for the default plays to the other leg of a bridge."""
    return {
        "stream_url": stream.url,
        "stream_track": "inbound_track",
        "stream_codec": "PCMU",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
        "stream_bidirectional_target_legs": "self",
    }


def _webhooks(webhooks_url: str) -> Body:
    return {"webhook_url": webhook_url(webhooks_url), "webhook_url_method": "POST"}


def _within(bounds: tuple[int, int], seconds: float) -> int:
    low, high = bounds
    return min(max(math.ceil(seconds), low), high)


def _shortened(text: str) -> str:
    text = text.strip()
    if len(text) <= MAX_SPOKEN_CHARACTERS:
        return text
    kept = text[: MAX_SPOKEN_CHARACTERS + 1].rpartition(" ")[0]
    return kept or text[:MAX_SPOKEN_CHARACTERS]
