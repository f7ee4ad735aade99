"""The simulated network as a carrier of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl

from getpatter.carriers.base import (
    Answer,
    Capabilities,
    CarrierStatus,
    Dialed,
    DialRequest,
    InboundCall,
    MachineDetection,
    StatusChanged,
    StreamTarget,
    Webhook,
    WebhookRequest,
    WebhookResponse,
)
from getpatter.carriers.twilio.media import TwilioMediaCodec
from getpatter.carriers.unable import Unable
from getpatter.conversation.listening import Listening
from getpatter.errors import CarrierError, InvalidSignature
from getpatter.testing import answer_document
from getpatter.testing.network import SimNetwork
from getpatter.testing.parties import Directory
from getpatter.testing.signing import SIGNATURE_HEADER, signed_by, sim_secret
from getpatter.tts.base import TextToSpeech

_STATUSES: Mapping[str, CarrierStatus] = {
    "queued": "queued",
    "initiated": "queued",
    "ringing": "ringing",
    "in-progress": "in_progress",
    "completed": "completed",
    "busy": "busy",
    "no-answer": "no_answer",
    "failed": "failed",
    "canceled": "canceled",
}


class SimCarrier(Unable):
    """A `Carrier` whose numbers are those of simulated parties.  Behaves as Twilio does, with its own signature."""

    name = "sim"
    capabilities = Capabilities(simulated=True)
    webhooks: Mapping[str, Sequence[str]] = {"voice": ("POST",), "status": ("POST",), "amd": ("POST",)}

    def __init__(self, network: SimNetwork, secret: bytes) -> None:
        self.network = network
        self._secret = secret

    @classmethod
    def at_home(cls, home: Path, *, tts: TextToSpeech | None = None, listening: Listening | None = None) -> SimCarrier:
        """The carrier of an engine whose `PATTER_HOME` is `home`, with the parties in its `parties` folder.

        Raises `ConfigurationError` when one of those cannot be used.
        """
        secret = sim_secret(home)
        return cls(SimNetwork(Directory.load(home / "parties"), secret, tts=tts, listening=listening), secret)

    async def dial(self, request: DialRequest) -> Dialed:
        call = await self.network.dial(request)
        return Dialed(call.legs.call_id, self.network.directory.find(request.to_number).phrases)

    async def hang_up(self, carrier_call_id: str) -> None:
        self.network.hang_up(carrier_call_id)

    async def transfer(self, carrier_call_id: str, number: str, *, from_number: str, timeout_s: float = 30.0) -> None:
        await self.network.update(carrier_call_id, answer_document.dial_number(number, timeout_s))

    def verify_stream(self, request: WebhookRequest) -> None:
        self.verify(request)

    def verify(self, request: WebhookRequest) -> None:
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not signed_by(self._secret, signature, request.url, _form(request)):
            raise InvalidSignature(
                "The request was not signed by this home's simulated network.",
                next_step="Ring with the same PATTER_HOME as the engine, at the URL that it is reached by.",
            )

    def parse(self, request: WebhookRequest) -> Webhook:
        form = _form(request)
        fields = dict(form)
        call_id = _required(fields, "CallSid")
        if "AnsweredBy" in fields:
            return Webhook([_detection(call_id, fields["AnsweredBy"])])
        status = _status(_required(fields, "CallStatus"))
        if "SequenceNumber" in fields:
            sequence = _number(fields["SequenceNumber"])
            cause = fields.get("ErrorMessage") or fields.get("SipResponseCode", "")
            return Webhook([StatusChanged(call_id, status, sequence, cause)])
        phrases = tuple(value for name, value in form if name == "ExpectedPhrase")
        return Webhook([InboundCall(call_id, _required(fields, "From"), _required(fields, "To"), phrases)])

    def answer(self, call: InboundCall, stream: StreamTarget, webhooks_url: str) -> Answer:
        document = answer_document.connect(stream.url, stream.parameters)
        return Answer(WebhookResponse(document, answer_document.CONTENT_TYPE))

    def reject(self, call: InboundCall, reason: Literal["busy", "rejected"]) -> Answer:
        return Answer(WebhookResponse(answer_document.reject(reason), answer_document.CONTENT_TYPE))

    def media_codec(self) -> TwilioMediaCodec:
        return TwilioMediaCodec()

    async def close(self) -> None:
        await self.network.close()


def _form(request: WebhookRequest) -> list[tuple[str, str]]:
    try:
        return parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=1000)
    except ValueError as broken:
        raise CarrierError(f"The webhook's body is no form: {broken}.") from broken


def _required(fields: Mapping[str, str], name: str) -> str:
    if not fields.get(name):
        raise CarrierError(f"The webhook has no {name}.")
    return fields[name]


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise CarrierError(f"The webhook's SequenceNumber is {text!r}, which is no number.")
    return int(text)


def _status(text: str) -> CarrierStatus:
    if text not in _STATUSES:
        raise CarrierError(f"The webhook's CallStatus is {text!r}; known are {', '.join(_STATUSES)}.")
    return _STATUSES[text]


def _detection(call_id: str, answered_by: str) -> MachineDetection:
    greeting_ended = answered_by.startswith("machine_end_")
    return MachineDetection(call_id, _classification(answered_by), greeting_ended, answered_by)


def _classification(answered_by: str) -> Literal["human", "machine", "fax", "unknown"]:
    match answered_by:
        case "human" | "fax":
            return answered_by
        case _:
            return "machine" if answered_by.startswith("machine_") else "unknown"
