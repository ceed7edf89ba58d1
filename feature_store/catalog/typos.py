"""How many letters are wrong in a word: changed, missing, too many, or changed over with the next (optimal string alignment)."""


def typos(word: str, other: str, *, most: int) -> int | None:
    """The least number of letters to change, add, drop or swap to come from one to the other; None if it is more than ``most``."""
    if abs(len(word) - len(other)) > most:
        return None
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(word, 1):
        now = [row]
        for place, its in enumerate(other, 1):
            wrong = min(last[place] + 1, now[place - 1] + 1, last[place - 1] + (letter != its))
            if before and place > 1 and letter == other[place - 2] and word[row - 2] == its:
                wrong = min(wrong, before[place - 2] + 1)
            now.append(wrong)
        if min(now) > most:
            return None
        before, last = last, now
    return last[-1] if last[-1] <= most else None
