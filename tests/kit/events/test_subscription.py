"""What one listener holds: each event once and in order, however stream and hub overlap."""

from backend.kit.events.subscription import MISSED, Event, Subscription


def event(number: int, room: str = "a") -> Event:
    return Event("changed", {room: {"number": number}}, f"{number}-0")


def subscription(limit: int = 10) -> Subscription:
    return Subscription(["a"], lambda: None, limit)


def numbers(events: list[Event]) -> list[object]:
    return [each.rooms["a"]["number"] if each.rooms else each.name for each in events]


def test_an_event_that_was_caught_up_with_does_not_come_again() -> None:
    """The hub tells late what the stream has told already: it is dropped, and the next one is not."""
    listener = subscription()
    listener.catch_up([event(1), event(2)])
    assert numbers(listener.take()) == [1, 2]
    for late in (event(1), event(2), event(3)):
        listener.offer(late)
    assert numbers(listener.take()) == [3]


def test_what_came_meanwhile_stands_behind_what_was_caught_up_with() -> None:
    """Each once, in the order of the stream; what only this process heard of comes last."""
    listener = subscription()
    listener.offer(event(3))
    listener.offer(Event("changed", {"a": {"number": "alone"}}))
    listener.offer(event(2))
    listener.catch_up([event(1), event(2)])
    assert numbers(listener.take()) == [1, 2, 3, "alone"]


def test_a_listener_sees_its_own_rooms_alone() -> None:
    """An event of two rooms is cut down to the one that is listened to."""
    listener = subscription()
    listener.offer(Event("changed", {"a": {"number": 1}, "b": {"secret": 2}}, "1-0"))
    assert [dict(each.rooms) for each in listener.take()] == [{"a": {"number": 1}}]


def test_an_overflow_is_told_once() -> None:
    """The oldest go, and the next look begins with "missed"; the one after it does not."""
    listener = subscription(limit=2)
    assert [listener.offer(event(number)) for number in (1, 2, 3)] == [True, True, False]
    assert numbers(listener.take()) == [MISSED, 2, 3]
    listener.offer(event(4))
    assert numbers(listener.take()) == [4]
