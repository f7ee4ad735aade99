from __future__ import annotations

from pathlib import Path

import pytest

from getpatter.errors import CarrierError, ConfigurationError
from getpatter.testing.parties import Directory, HangUp, Listen, Party, Play, Say, built_in, load_party, parse_party

OWN = """
number: "+12025550150"
name: My dentist
steps:
  - say: Dentist, hello.
  - listen
  - hang_up
"""


def fault(text: str) -> str:
    with pytest.raises(ConfigurationError) as raised:
        parse_party(text, source="dentist.yaml")
    return raised.value.message


def test_a_party_is_a_number_a_name_and_steps() -> None:
    party = parse_party(OWN, source="dentist.yaml")
    assert party.number == "+12025550150"
    assert party.steps == (Say(text="Dentist, hello."), Listen(), HangUp())
    assert party.phrases == ("Dentist, hello.",)


@pytest.mark.parametrize(
    ("ending", "answers"),
    [("00", "person"), ("01", "busy"), ("02", "no_answer"), ("03", "voicemail"), ("04", "person"), ("06", "person")],
)
def test_the_built_in_parties_have_their_numbers(ending: str, answers: str) -> None:
    assert Directory.load().find(f"+120255501{ending}").answers == answers


def test_all_built_in_numbers_are_fictional_ones_of_the_us() -> None:
    assert all(party.number.startswith("+120255501") for party in built_in())


def test_every_built_in_party_that_talks_hangs_up_in_the_end() -> None:
    assert all(isinstance(party.steps[-1], HangUp) for party in built_in() if party.picks_up)


def test_sentences_inside_branches_are_known_too() -> None:
    menu = Directory.load().find("+12025550104")
    assert "Your book is renewed for two weeks. Goodbye." in menu.phrases


def test_a_users_party_replaces_a_built_in_one_of_the_same_number(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(OWN.replace("0150", "0100"), "utf-8")
    assert Directory.load(tmp_path).find("+12025550100").name == "My dentist"


def test_a_folder_that_is_not_there_holds_no_parties(tmp_path: Path) -> None:
    assert len(list(Directory.load(tmp_path / "none"))) == len(built_in())


def test_an_unknown_number_is_answered_with_the_known_ones() -> None:
    with pytest.raises(CarrierError, match=r"\+12025550100 \(Romano's restaurant\)"):
        Directory.load().find("+12025550177")


def test_an_unknown_step_is_named_with_its_line_and_what_would_work() -> None:
    message = fault(OWN.replace("- listen", "- lissen"))
    assert "dentist.yaml" in message
    assert "line 6, steps[2]" in message
    assert "one of say, play" in message


def test_an_unknown_option_is_named_with_its_line() -> None:
    assert "line 6, steps[1].loud" in fault(OWN.replace("hello.", "hello.\n    loud: 3"))


def test_several_faults_are_told_at_once() -> None:
    message = fault(OWN.replace('"+12025550150"', "12").replace("name: My dentist", "rings: -1"))
    assert "number" in message
    assert "rings" in message
    assert "name" in message


def test_unquoted_digits_are_not_guessed() -> None:
    assert "steps[1].press: input should be a valid string, so put it in quotes" in fault(
        OWN.replace("say: Dentist, hello.", "press: 010")
    )


@pytest.mark.parametrize("text", ["- one\n- two\n", "hello", "", "steps: [", "a: &a [*a]"])
def test_what_is_no_party_at_all_is_refused(text: str) -> None:
    assert "dentist.yaml" in fault(text)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.yaml"):
        load_party(tmp_path / "missing.yaml")


def test_recordings_are_looked_for_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("say: Dentist, hello.", "play: hello.wav"), "utf-8")
    assert load_party(file).steps[0] == Play(path=tmp_path / "hello.wav")


def test_parties_can_be_made_in_python() -> None:
    party = Party(number="+12025550151", name="x", steps=(Say(text="Hello?"), HangUp()))
    assert party.sentences == ("Hello?",)
