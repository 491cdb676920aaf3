"""Prints what happens on the clocks of every time zone around each of its changes, as Python's zoneinfo has it.

A zone is a line `zone NAME`, followed by a line `change SECOND OFFSET` for each change of its offset from UTC, and then
by questions with their answers. Moments and offsets are in seconds, clock times in minutes; Monday is 0:

    days|weeks|months|years FROM COUNT ANSWER    that long after, or before where COUNT is negative
    business FROM COUNT ANSWER                   that many business days after
    clock FROM MINUTE ANSWER                     the next such clock time
    weekday FROM DAY MINUTE ANSWER               the next such clock time on that day of the week

Everything is worked out the slow way, a day at a time and by bisection, and nothing is cleverer than it must be.
"""

import random
import zoneinfo
from calendar import monthrange
from datetime import datetime, timedelta, timezone

FIRST = int(datetime(1970, 1, 1, tzinfo=timezone.utc).timestamp())
LAST = int(datetime(2038, 1, 1, tzinfo=timezone.utc).timestamp())
DAY = 86_400
# No zone changes its clocks there and back within so short a time.
STEP = 6 * DAY
QUESTIONS_EACH = 2


def offset_at(second, zone):
    return round(datetime.fromtimestamp(second, zone).utcoffset().total_seconds())


def change_between(before, after, zone):
    """The first second with the offset of `after`; there is one change between the two."""
    old = offset_at(before, zone)
    while after - before > 1:
        middle = (before + after) // 2
        if offset_at(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after


def changes(zone):
    start, old = FIRST - 900 * DAY, None
    for second in range(start, LAST + 900 * DAY, STEP):
        new = offset_at(second, zone)
        if old is not None and new != old:
            yield change_between(second - STEP, second, zone), new
        old = new


def wall_at(second, zone):
    return datetime.fromtimestamp(second, zone).replace(tzinfo=None)


def second_of(wall, zone):
    """The second of a clock time: the first of two; the end of the gap where it is skipped (PEP 495)."""
    readings = [round(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)]
    for second in readings:
        if wall_at(second, zone) == wall:
            return second
    return change_between(min(readings), max(readings), zone)


def months_later(wall, count):
    year, month = divmod(wall.year * 12 + wall.month - 1 + count, 12)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, monthrange(year, month + 1)[1]))


def later(wall, unit, count):
    if unit == "months":
        return months_later(wall, count)
    if unit == "years":
        return months_later(wall, 12 * count)
    return wall + timedelta(days=count * (7 if unit == "weeks" else 1))


def business_days_later(wall, count):
    while wall.weekday() > 4:
        wall -= timedelta(days=1)
    while count > 0:
        wall += timedelta(days=1)
        count -= wall.weekday() < 5
    return wall


def next_on_clock(start, minute, zone, day=None):
    date = wall_at(start, zone).replace(hour=0, minute=0, second=0) - timedelta(days=2)
    while True:
        second = second_of(date + timedelta(minutes=minute), zone)
        if second >= start and day in (None, date.weekday()):
            return second
        date += timedelta(days=1)


def ask(change, zone, chance):
    """A question whose answer lies at the change or near it."""
    # What the clock shows there, what it skips, and what it shows twice.
    target = wall_at(change - 1, zone) + timedelta(seconds=1 + 60 * chance.randint(-100, 100))
    minute = target.hour * 60 + target.minute
    kind = chance.choice(["days", "weeks", "months", "years", "month_end", "business", "clock", "weekday"])
    if kind == "clock":
        start = change + chance.randint(-DAY, DAY)
        return "clock", start, minute, next_on_clock(start, minute, zone)
    if kind == "weekday":
        start = change + chance.randint(-5 * DAY, DAY)
        day = chance.choice([target.weekday(), chance.randrange(7)])
        return "weekday", start, day, minute, next_on_clock(start, minute, zone, day)
    if kind == "business":
        count = chance.randint(1, 12)
        start = second_of(target - timedelta(days=chance.randint(1, count + 2)), zone)
        return "business", start, count, second_of(business_days_later(wall_at(start, zone), count), zone)
    unit = "months" if kind == "month_end" else kind
    most = {"days": 40, "weeks": 9, "months": 13, "years": 2}[unit]
    count = chance.choice([-1, 1]) * chance.randint(1, most)
    wall = later(target, unit, -count)
    if kind == "month_end":
        wall = wall.replace(day=monthrange(wall.year, wall.month)[1])
    start = second_of(wall, zone)
    return unit, start, count, second_of(later(wall_at(start, zone), unit, count), zone)


def main():
    for name in sorted(zoneinfo.available_timezones()):
        zone = zoneinfo.ZoneInfo(name)
        print("zone", name)
        known = list(changes(zone))
        for change, offset in known:
            print("change", change, offset)
        # The same questions every time, and others for each zone.
        chance = random.Random(name)
        for change, _ in known or [(FIRST + 12_345 * DAY, None)]:
            if FIRST <= change < LAST:
                for _ in range(QUESTIONS_EACH):
                    print(*ask(change, zone, chance))


main()
