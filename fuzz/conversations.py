#!/usr/bin/env python3
"""Writes the seeds of the target conversation: programs of steps as crates/broker/tests/fuzzing/conversation.rs
reads them.

    fuzz/conversations.py          writes seeds/conversation/*
"""

import os

SEEDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeds", "conversation")

IDS = ["c0", "c1", "c2", "odd", "none"]
USERS = ["one", "one", "two", "plug", "guess", "slow"]
TOPICS = ["a", "a/b", "a/c", "b", "/", "uber", "sys", "a//b"]
FILTERS = ["a", "a/b", "a/#", "#", "+", "+/+", "a/+", "/", "uber/+", "$SYS/#", "$share/g/a/#", "$share/h/+", "bad", "empty"]
PAUSES_MS = [1, 100, 1_000, 2_500, 6_000, 21_000, 70_000, 200_000]
LEVELS = {4: 0, 5: 1, 3: 2}


def step(kind, slot=0, *how, at_once=False):
    return bytes([kind | slot << 5 | (0x80 if at_once else 0), *how])


def connect(slot, level=4, clean=True, name=None, user="one", more=0, will=None, narrow=False, at_once=False):
    how = LEVELS[level] | (4 if clean else 0) | (0x80 if narrow else 0)
    if not clean and level == 5 and not more & 3:
        more |= 2
    last = []
    if will:
        how |= 8 | 1 << 4
        last = [TOPICS.index(will)]
    return step(0, slot, IDS.index(name or f"c{slot}"), USERS.index(user), how, more, *last, at_once=at_once)


def publish(slot, topic, qos=0, retain=False, size=0, at_once=False):
    how = next(how for how in range(256) if how % 3 == qos and bool(how & 4) == retain and how >> 3 & 7 == size
               and how < 0x40)
    return step(3, slot, TOPICS.index(topic), how, at_once=at_once)


def subscribe(slot, topic_filter, qos=0, at_once=False, how=0):
    return step(7, slot, FILTERS.index(topic_filter), qos | how, at_once=at_once)


def unsubscribe(slot, topic_filter):
    return step(9, slot, FILTERS.index(topic_filter))


def acknowledge(slot, nth=0):
    return step(10, slot, nth)


def prompt(slot):
    return step(12, slot, 0)


def acknowledge_all(slot):
    return step(13, slot)


def wrong_ack(slot, kind, number):
    return step(14, slot, kind, number)


def ping(slot):
    return step(15, slot)


def goodbye(slot, how=0):
    return step(16, slot, how)


def vanish(slot):
    return step(17, slot)


def raw(slot, data):
    return step(19, slot, len(data), *data)


def flaw(slot, at, flip):
    return step(20, slot, at, flip)


def wait(ms):
    return step(21, 0, PAUSES_MS.index(ms))


HOLD, RELEASE, KILL, RESTART = step(23), step(24), step(29), step(30)


def journal(how):
    return step(25, 0, how)


def deaf(slot, on=True):
    return step(26, slot, 0 if on else 1)


def pieces(slot, count):
    return step(27, slot, count)


def repeat(slot):
    return step(28, slot)


def owner(user, what):
    return step(31, 0, USERS.index(user), what)


def dialogues():
    pair = connect(0) + connect(1, 5) + subscribe(1, "a/#", 2)
    for qos in (0, 1, 2):
        yield f"publish-{qos}", pair + prompt(1) + publish(0, "a/b", qos) * 3 + ping(0) + goodbye(0) + goodbye(1)
    lasting = connect(1, 4, clean=False) + subscribe(1, "a/#", 2) + connect(0, 5)
    sent = b"".join(publish(0, "a/b", qos) for qos in (1, 2, 1, 2, 0))
    yield "asleep", lasting + vanish(1) + sent + connect(1, 4, clean=False) + prompt(1) + acknowledge_all(1) * 3
    yield "asleep-5", lasting.replace(connect(1, 4, clean=False), connect(1, 5, clean=False)) + goodbye(1) + sent \
        + connect(1, 5, clean=False) + acknowledge_all(1) * 4
    yield "acks-out-of-order", lasting + sent + acknowledge(1, 2) + acknowledge(1, 1) + acknowledge(1) * 6
    yield "redelivery", lasting + sent + acknowledge(1, 1) + vanish(1) + connect(1, 4, clean=False) + acknowledge_all(1) * 4
    yield "killed", lasting + sent + acknowledge(1, 1) + KILL + connect(1, 4, clean=False) + acknowledge_all(1) * 4 \
        + connect(0, 4) + publish(0, "a/b", 2)
    yield "killed-while-held", lasting + HOLD + sent + acknowledge_all(1) + KILL + connect(1, 4, clean=False) + RELEASE \
        + prompt(1) + acknowledge_all(1)
    yield "publisher-killed", lasting + connect(0, 4, clean=False) + HOLD + publish(0, "a/b", 2) + KILL \
        + prompt(0) + prompt(1) + connect(1, 4, clean=False) + connect(0, 4, clean=False) + repeat(0) + publish(0, "a", 2)
    yield "restarted", lasting + publish(0, "a", 1, retain=True) + sent + RESTART + connect(1, 4, clean=False) \
        + acknowledge_all(1) * 4 + connect(2) + subscribe(2, "#", 1)
    yield "retained", connect(0) + publish(0, "a", 1, retain=True) + publish(0, "a/b", 0, retain=True) \
        + publish(0, "b", 2, retain=True) + connect(1, 5) + prompt(1) + subscribe(1, "#", 2) + subscribe(1, "a/+", 1, how=0x18) \
        + subscribe(1, "a/+", 1, how=0x10) + unsubscribe(1, "#")
    yield "taken-over", lasting + sent + connect(2, 4, clean=False, name="c1") + acknowledge_all(2) * 3 + ping(1) \
        + connect(3, 5, clean=True, name="c1") + sent
    yield "will", connect(0, 4, will="a/b") + connect(1, 5) + subscribe(1, "a/#", 1) + vanish(0) + prompt(1) + ping(1)
    yield "will-delayed", connect(0, 5, clean=False, more=2 | 0x40, will="a/b") + connect(1, 3) + subscribe(1, "#", 1) + vanish(0) \
        + wait(1_000) + wait(2_500) + connect(0, 5, clean=False) + goodbye(0, 3) + wait(6_000)
    yield "silent", connect(0, 4, more=0x20, will="a") + connect(1) + subscribe(1, "#") + wait(6_000) + ping(1)
    yield "expiry", connect(0, 5, clean=False, more=1) + subscribe(0, "a", 1) + goodbye(0) + wait(2_500) \
        + connect(0, 5, clean=False, more=2) + subscribe(0, "a", 1) + goodbye(0, 1) + connect(0, 5, clean=False)
    yield "deaf", connect(1, 4, narrow=True) + subscribe(1, "#", 1) + deaf(1) + connect(0) \
        + publish(0, "a", 1, size=6) * 14 + publish(0, "a", 0, size=5) * 20 + wait(6_000) + deaf(1, False) + wait(100)
    yield "deaf-lasting", connect(1, 4, clean=False, narrow=True) + subscribe(1, "#", 2) + deaf(1) + connect(0) \
        + publish(0, "a", 1, size=6) * 16 + vanish(1) + connect(1, 4, clean=False) + acknowledge_all(1) * 6
    yield "queue-full", lasting + vanish(1) + publish(0, "a", 1) * 15 + publish(0, "a", 2, size=6) * 15 + connect(1, 4, clean=False) \
        + prompt(1) + acknowledge_all(1) * 3
    yield "dropped-at-a-limit-before-a-power-cut", connect(1, 4, clean=False) + subscribe(1, "a/#", 2) \
        + connect(0, 4, clean=False) + vanish(1) + publish(0, "a", 2, size=6) + publish(0, "a", 1, retain=True, size=7) \
        + publish(0, "a", 2, size=7) + publish(0, "a", 2, size=6) * 2 + connect(1, 4, clean=False) \
        + step(29, at_once=True) + connect(1, 4, clean=False) + prompt(1) + acknowledge_all(1)
    yield "journal-fails", lasting + journal(1) + sent + connect(2, 5) + publish(2, "a", 1) + journal(0) + wait(2_500)
    yield "journal-full", lasting + journal(2 | 1 << 2) + publish(0, "a", 1, at_once=True) * 3 + publish(0, "a", 2) + journal(0) + repeat(0)
    yield "backlog", connect(0) + HOLD + publish(0, "a", 1, at_once=True) * 20 + ping(0) + RELEASE + ping(0)
    yield "pieces", connect(0) + pieces(0, 1) + subscribe(0, "+", 1) + publish(0, "a", 1) + publish(0, "a", 2) + ping(0)
    yield "wild", connect(0) + raw(0, b"\x30\xff\xff\xff\xff") + connect(0, 5) + raw(0, b"\xf0\0") + connect(1) \
        + raw(1, b"\x82\x03\0\x01\0") + raw(2, b"GET / HTTP/1.1\r\n\r\n") + flaw(1, 0, 0x10) + connect(1) + ping(1)
    yield "wrong-acks", lasting + sent + wrong_ack(1, 0, 1) + wrong_ack(1, 1, 2) + wrong_ack(1, 3, 2) + wrong_ack(0, 2, 9)
    yield "shared", connect(1, 4, clean=False) + subscribe(1, "$share/g/a/#", 1) + connect(2, 5, clean=False) \
        + subscribe(2, "$share/g/a/#", 2) + connect(0) + publish(0, "a", 2) * 5 + acknowledge_all(2) + vanish(1) \
        + publish(0, "a/b", 1) * 3 + goodbye(2) + connect(1, 4, clean=False) + acknowledge_all(1)
    yield "revoked", lasting + connect(2, 5, user="plug") + subscribe(2, "a/#", 1) + subscribe(2, "#", 1) + sent + owner("one", 1) \
        + publish(0, "b", 1) + owner("one", 0) + owner("plug", 0) + owner("one", 3)
    yield "refused", connect(0, user="guess") * 5 + connect(1, 5, user="slow", at_once=True) + wait(6_000) \
        + connect(2, 4, clean=False, name="none") + connect(3, 5, name="none") + connect(2, 4, clean=False, user="one") \
        + connect(2, 4, clean=False, user="two")
    yield "aliases", connect(0, 5) + subscribe(0, "#", 1) + step(3, 0, 1, 0x80 | 9) + step(3, 0, 1, 0x80 | 0x10) + step(3, 0, 1, 0xC0)
    yield "bad-filters", connect(0, 5) + subscribe(0, "bad") + connect(0) + subscribe(0, "empty") + connect(1, 5) \
        + subscribe(1, "$SYS/#", 1, how=0x40) + publish(1, "sys", 1)


def main():
    os.makedirs(SEEDS, exist_ok=True)
    for name, program in dialogues():
        with open(os.path.join(SEEDS, name), "wb") as file:
            file.write(program)


if __name__ == "__main__":
    main()
