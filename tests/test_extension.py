from __future__ import annotations

import asyncio

import pytest

from getpatter.extension import InnerCancellation, contained, place


async def test_a_cancellation_from_inside_is_an_error_like_others() -> None:
    gone = asyncio.get_running_loop().create_future()
    gone.cancel()
    with pytest.raises(InnerCancellation), contained():
        await gone


async def test_our_own_cancellation_passes() -> None:
    waits = asyncio.Event()

    async def run() -> None:
        with contained():
            waits.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await waits.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


def test_a_place_is_told_without_the_words_of_the_error() -> None:
    try:
        raise ValueError("my card is 4111")
    except ValueError as error:
        told = place(error)
    assert "test_extension.py:" in told
    assert "4111" not in told


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place(ValueError("x")) == ""
