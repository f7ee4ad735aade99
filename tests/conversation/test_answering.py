"""Who took the call: greetings as people and machines speak them, word by word."""

from __future__ import annotations

import gzip
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from getpatter.conversation.answering import UNDECIDED, AnsweringDetector, AnsweringSettings, Party

WORDS_A_SECOND = 2.7
"""About 160 words a minute."""
STEP_S = 0.1
SETTINGS = AnsweringSettings()


@dataclass
class Heard:
    """A call's first seconds: what was said, and what the detector made of it on the way."""

    language: str = "en-US"
    now: float = 1.0
    seen: list[Party] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.detector = AnsweringDetector(AnsweringSettings(language=self.language))

    @property
    def party(self) -> Party:
        return self.detector.answer.party

    def say(self, text: str) -> Heard:
        """One utterance: interim transcripts word by word, the final one when it is over."""
        self._note(self.detector.speech_started(self.now).party)
        words = text.split()
        for count in range(1, len(words) + 1):
            self.now += 1 / WORDS_A_SECOND
            self._note(self.detector.transcript(" ".join(words[:count]), self.now, final=False).party)
        self._note(self.detector.speech_ended(self.now).party)
        self._note(self.detector.transcript(text, self.now, final=True).party)
        return self

    def pause(self, seconds: float) -> Heard:
        for _ in range(round(seconds / STEP_S)):
            self.now += STEP_S
            self._note(self.detector.silence(self.now).party)
        return self

    def greet(self, text: str) -> Heard:
        """Utterances divided by |, with pauses of half a second, and at last a wait."""
        for part in text.split("|"):
            self.pause(0.5).say(part.strip())
        return self.pause(1.5)

    def _note(self, party: Party) -> None:
        if not self.seen or self.seen[-1] != party:
            self.seen.append(party)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


PEOPLE = lines("""
    Hello?
    Yeah?
    Hello, who's this?
    Smith residence.
    Hi, this is Anna.
    Hello, this is Anna from the pharmacy, how can I help you?
    Good morning, thank you for calling Acme Dental, this is Julie speaking, how may I help you today?
    Thank you for calling the front desk. | This is Mark. What can I do for you?
    You've reached the front desk, this is Mark.
    You've reached accounts payable, Susan speaking, who am I speaking with?
    Hello? | Hello? | Is anybody there? | Who is this?
    Go for Steve.
    Hello, Jenkins and Partners, Laura speaking.
    Good afternoon, Riverside Hotel, reservations, how may I direct your call?
    Hi, I'm sorry, we're closed today, was there something you needed?
    Hello? Sorry I missed your call earlier.
    No one is here right now, I'm just the cleaner.
    He's unavailable, do you want his voicemail?
    Thank you for calling Lee Dental, Dr. Lee is not available right now, can I take a message?
    Dr. Lee is not available right now, can I take a message?
    She's not here at the moment. | Would you like to leave a message?
    Hang on, hold on a second, let me turn the radio down, okay, who is this?
    Sorry, I'm driving, can you hear me? I'm in a tunnel and it's loud, so speak up please.
    Tony's pizza, pickup or delivery?
    Lakeside Veterinary Clinic, can you hold please?
    Hey, I was just about to call you back, listen, about tomorrow, I can't make it before noon.
""")
MACHINES = lines("""
    Hi, you've reached Bob. I can't come to the phone right now. Please leave a message after the beep.
    Hi, this is Bob. | I'm not here right now, so leave me a message.
    Hey, it's Kate. | Leave a message and I'll get back to you as soon as I can.
    Your call was forwarded to an automatic voice message system. | Five five five one two is not available.
    The person you are trying to reach is not available. | At the tone, please record your message.
    The customer you are calling is unavailable. Please try your call again later.
    You have reached the office of Doctor Lee. | We are closed. | Our office hours are nine to five.
    Hello, you've reached the Millers. We're unable to take your call.
    Sorry I missed your call. | Please leave your name and number.
    The mailbox is full and cannot accept any messages at this time. Goodbye.
    Welcome to the voicemail of extension two one four.
    Nobody is available to take your call at the moment. | Please leave your message after the tone.
    Hi, you have reached my cell. I am away from my phone. You know what to do.
    Thank you for calling Acme. Our offices are currently closed. Please call back later.
    Hi! | Wait for the beep.
    Hi, I'm not able to answer your call. | Text me instead.
    Hey, it's Dave, you know what to do.
    This is Jim's answering machine. Jim is out.
""")
ANSWERED_OTHERWISE = lines("""
    Thank you for calling Acme. For sales, press 1. For support, press 2.
    Welcome to City Bank. Please enter your account number followed by the pound key.
    For English, press 1. To leave a message, press 2. For voicemail, press 3.
    Hi, the person you're calling is using a screening service. Go ahead and say your name and why you're calling.
    If you record your name and reason for calling, I'll see if this person is available.
    Your call is important to us and will be answered by the next available representative please stay with us.
""")


@pytest.mark.parametrize("greeting", PEOPLE)
def test_a_person_is_at_no_moment_a_machine(greeting: str) -> None:
    heard = Heard().greet(greeting)
    assert "machine" not in heard.seen
    assert not heard.detector.greeting_ended(heard.now)


@pytest.mark.parametrize("greeting", MACHINES)
def test_a_machine_is_found_by_its_words(greeting: str) -> None:
    assert Heard().greet(greeting).party == "machine"


@pytest.mark.parametrize("greeting", ANSWERED_OTHERWISE)
def test_what_wants_an_answer_is_no_answering_machine(greeting: str) -> None:
    heard = Heard().greet(greeting)
    assert heard.party == "unknown"
    assert "machine" not in heard.seen


@pytest.mark.parametrize(
    ("language", "greeting", "party"),
    [
        ("es-MX", "¿Bueno?", "human"),
        ("es-ES", "Hola, le atiende Marta, ¿en qué puedo ayudarle?", "human"),
        ("es-ES", "En este momento no puedo atenderle. Deje su mensaje después de la señal.", "machine"),
        ("es-MX", "Ha llamado al buzón de voz de Juan.", "machine"),
        ("es-MX", "Gracias por llamar. Para ventas, oprima uno.", "unknown"),
        ("de-DE", "Müller?", "human"),
        ("de-DE", "Praxis Doktor Weber, guten Tag, was kann ich für Sie tun?", "human"),
        ("de-DE", "Ich bin zurzeit nicht erreichbar. Bitte hinterlassen Sie eine Nachricht.", "machine"),
        ("de-DE", "Sie haben den Anschluss von Weber erreicht, sprechen Sie nach dem Signalton.", "machine"),
        ("fr-FR", "Allô?", "human"),
        ("fr-FR", "Cabinet médical, bonjour, je vous écoute.", "human"),
        ("fr-FR", "Vous êtes bien sur le répondeur de Marie, laissez un message après le bip.", "machine"),
    ],
)
def test_other_languages_have_their_own_phrases(language: str, greeting: str, party: Party) -> None:
    assert Heard(language).greet(greeting).party == party


# -- length and silence


def test_a_short_greeting_and_a_wait_are_a_persons() -> None:
    heard = Heard().say("Hello?")
    assert heard.party == "unknown"
    assert heard.detector.due == pytest.approx(heard.now + SETTINGS.human_wait_s)
    assert heard.pause(SETTINGS.human_wait_s).party == "human"


def test_no_words_are_needed_for_that() -> None:
    detector = AnsweringDetector()
    detector.speech_started(1.0)
    detector.speech_ended(1.6)
    assert detector.silence(2.3) == UNDECIDED
    assert detector.silence(2.4).party == "human"


def test_long_talk_alone_shows_nothing() -> None:
    detector = AnsweringDetector()
    detector.speech_started(1.0)
    detector.speech_ended(9.0)
    assert detector.silence(11.0) == UNDECIDED


def test_a_wait_is_seen_without_anybody_asking_for_it() -> None:
    detector = AnsweringDetector()
    detector.speech_started(1.0)
    detector.speech_ended(1.6)
    assert detector.speech_started(4.0).party == "human"


def test_a_machine_that_begins_like_a_person_is_found_a_little_later() -> None:
    heard = Heard().say("Hi, this is Bob.").pause(1.2)
    assert heard.party == "human"
    assert heard.say("Leave me a message.").party == "machine"


def test_words_late_in_the_call_are_conversation() -> None:
    heard = Heard().greet("Hello?").pause(SETTINGS.window_s)
    assert heard.say("I'm not here tomorrow, so please leave a message after the tone.").party == "human"


def test_nothing_said_is_nothing_known() -> None:
    assert Heard().pause(20.0).party == "unknown"
    assert AnsweringDetector().due is None


# -- the beep, and the end of the greeting


def test_a_beep_after_talk_is_a_machines() -> None:
    detector = AnsweringDetector()
    detector.speech_started(1.0)
    detector.speech_ended(5.0)
    assert detector.beep(6.0).party == "machine"
    assert not detector.greeting_ended(6.0)
    assert detector.due == pytest.approx(6.0 + SETTINGS.beep_rest_s)
    assert detector.greeting_ended(6.0 + SETTINGS.beep_rest_s)


def test_a_tone_before_any_word_may_be_anything() -> None:
    assert AnsweringDetector().beep(1.0) == UNDECIDED


def test_a_tone_beside_a_person_who_asked_something_is_no_machines() -> None:
    heard = Heard().say("Acme, how can I help you?")
    assert heard.detector.beep(heard.now).party == "human"


def test_a_greeting_without_a_tone_ends_with_silence() -> None:
    heard = Heard().say("I can't take your call, please leave me a message.")
    assert not heard.detector.greeting_ended(heard.now + SETTINGS.greeting_silence_s - 0.01)
    assert heard.detector.greeting_ended(heard.now + SETTINGS.greeting_silence_s)


def test_an_announced_tone_is_waited_for() -> None:
    heard = Heard().say("Please leave a message after the tone.")
    assert not heard.detector.greeting_ended(heard.now + SETTINGS.tone_wait_s - 0.01)
    assert heard.detector.greeting_ended(heard.now + SETTINGS.tone_wait_s)
    heard.detector.beep(heard.now + 1.0)
    assert heard.detector.greeting_ended(heard.now + 1.0 + SETTINGS.beep_rest_s)


def test_a_greeting_that_goes_on_has_not_ended() -> None:
    heard = Heard().say("Please leave me a message.").pause(1.0).say("Or send me a text.")
    assert not heard.detector.greeting_ended(heard.now + 1.0)
    heard.detector.speech_started(heard.now + 1.0)
    assert heard.detector.due is None
    assert not heard.detector.greeting_ended(heard.now + 60.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["start", "end", "beep", "silence", "final", "interim"]),
            st.floats(0, 5),
            st.text(max_size=30),
        ),
        max_size=20,
    )
)
def test_any_order_of_events_is_taken(events: list[tuple[str, float, str]]) -> None:
    detector, now = AnsweringDetector(), 0.0
    for name, seconds, text in events:
        now += seconds
        match name:
            case "start":
                detector.speech_started(now)
            case "end":
                detector.speech_ended(now)
            case "beep":
                detector.beep(now)
            case "silence":
                detector.silence(now)
            case _:
                detector.transcript(text, now, final=name == "final")
        assert not detector.greeting_ended(now) or detector.answer.party == "machine"


# -- recorded prompts

SOUNDS = Path(os.environ.get("ASTERISK_SOUNDS", "/"))
"""Where Debian's asterisk-core-sounds-en and -gsm are installed or unpacked."""
TEXTS = SOUNDS / "usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz"
PROMPTS = SOUNDS / "usr/share/asterisk/sounds/en_US_f_Allison"
GSM_FRAME_BYTES, GSM_FRAME_S = 33, 0.02


@pytest.fixture(scope="module")
def prompts() -> dict[str, tuple[str, float]]:
    """Text and length in seconds of each recorded prompt, by its name."""
    if not TEXTS.exists() or not (PROMPTS / "vm-intro.gsm").exists():
        pytest.skip("asterisk-core-sounds-en and asterisk-core-sounds-en-gsm are not installed")
    found = {}
    for line in gzip.decompress(TEXTS.read_bytes()).decode().splitlines():
        name, _, text = line.partition(":")
        if (file := PROMPTS / f"{name}.gsm").exists():
            spoken = re.sub(r"\(.*?\)", "", text).strip()
            found[name] = spoken, file.stat().st_size / GSM_FRAME_BYTES * GSM_FRAME_S
    return found


def played(prompts: dict[str, tuple[str, float]], *names: str) -> AnsweringDetector:
    """The detector after these prompts, played one behind the other."""
    detector, now = AnsweringDetector(), 1.0
    for name in names:
        text, seconds = prompts[name]
        detector.speech_started(now)
        now += seconds
        detector.speech_ended(now)
        detector.transcript(text, now, final=True)
        now += 0.2
    detector.silence(now + 3.0)
    return detector


@pytest.mark.parametrize(
    "names",
    [
        ("vm-intro",),
        ("vm-theperson", "vm-isunavail", "vm-intro"),
        ("vm-nobodyavail",),
        ("vm-mailboxfull",),
        ("vm-rec-name",),
    ],
    ids="+".join,
)
def test_recorded_voicemail_is_a_machine(prompts: dict[str, tuple[str, float]], names: tuple[str, ...]) -> None:
    assert played(prompts, *names).answer.party == "machine"


@pytest.mark.parametrize(
    "name",
    ["vm-options", "vm-msginstruct", "demo-instruct", "conf-adminmenu", "privacy-prompt", "queue-periodic-announce"],
)
def test_recorded_menus_and_queues_are_none(prompts: dict[str, tuple[str, float]], name: str) -> None:
    assert played(prompts, name).answer.party == "unknown"
