"""The memory of mails already sent."""

from __future__ import annotations

from api.recent_mails import KEPT_SECONDS, MOST_KEPT, RecentMails


class Clock:
    """A clock that moves when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_key_is_claimed_once_until_it_is_forgotten() -> None:
    clock = Clock()
    mails = RecentMails(clock)
    assert mails.claim("a")
    assert not mails.claim("a")
    clock.now = KEPT_SECONDS + 1
    assert mails.claim("a")


def test_a_failed_sending_may_be_tried_again() -> None:
    mails = RecentMails()
    assert mails.claim("a")
    mails.release("a")
    assert mails.claim("a")


def test_the_memory_is_bounded_and_the_oldest_goes_first() -> None:
    mails = RecentMails(Clock())
    for number in range(MOST_KEPT):
        assert mails.claim(number)
    assert mails.claim("one more")
    assert mails.claim(0)
    assert not mails.claim(MOST_KEPT - 1)
